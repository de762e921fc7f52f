//! All messages of the protocol, up to version 2.10, as tables.
//!
//! A row is a method: its number, its name, whether it may be sent again when nobody knows what became of it, the
//! version it came with, then the fields of request, response and events. A field is its name, its type as the protocol's
//! definitions spell it, `?` where it may be null, and the version it came with where that is a later one. Fields are in
//! the order of the definition, which is all that is needed to know where each lies in the bytes.
//!
//! Each method becomes a module with the constant of its method and of each body. Services that are `typed` also have a
//! Rust struct for each body (`mc::change_cluster_state::Request`); the others are used through
//! [`encode`](crate::encode()), [`decode`](crate::decode()) and [`Value`](crate::Value).
//!
//! # Caveats
//!
//! Versions are told apart where that matters for what an operator sends, and from 2.7 on. A message or field that is
//! marked with no version, or with 2.0, may have come as late as 2.7.

use crate::message::MessageType;
use crate::schema::{Body, Method};

macro_rules! since {
    () => {
        $crate::schema::Version::FIRST
    };
    ($since:literal) => {
        $crate::schema::Version::parse(stringify!($since))
    };
}

macro_rules! field {
    ($name:ident $ty:ident ? $($since:literal)?) => {
        $crate::schema::Field {
            name: stringify!($name), ty: $crate::table::types::$ty, nullable: true, since: $crate::table::since!($($since)?),
        }
    };
    ($name:ident $ty:ident $($since:literal)?) => {
        $crate::schema::Field {
            name: stringify!($name), ty: $crate::table::types::$ty, nullable: false, since: $crate::table::since!($($since)?),
        }
    };
}

macro_rules! rust_type {
    ($ty:ident ? $($since:literal)?) => { Option<$crate::table::types::$ty> };
    ($ty:ident $($since:literal)?) => { $crate::table::types::$ty };
}

/// The Rust struct of a custom type or body.
macro_rules! view {
    ($(#[$doc:meta])* $name:ident { $( ( $field:ident $($spec:tt)* ) )* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $name {
            $(
                #[doc = concat!("`", stringify!($($spec)*), "`")]
                pub $field: $crate::table::rust_type!($($spec)*),
            )*
        }

        impl $crate::wire::Wire for $name {
            fn into_value(self) -> $crate::value::Value {
                let Self { $($field),* } = self;
                $crate::value::Value::Record(vec![$($crate::wire::Wire::into_value($field)),*])
            }

            fn from_value(value: $crate::value::Value) -> Option<Self> {
                let $crate::value::Value::Record(values) = value else { return None };
                #[allow(unused_mut, unused_variables, reason = "a body may have no fields")]
                let mut values = values.into_iter();
                Some(Self { $($field: $crate::wire::Wire::from_value(values.next()?)?),* })
            }
        }
    };
}

macro_rules! payload {
    (
        $shape:ident $name:ident $kind:ident $number:expr, $shown:expr, $since:literal, $doc:expr;
        $( ( $field:ident $($spec:tt)* ) )*
    ) => {
        #[doc = $doc]
        pub static $name: $crate::schema::Body = $crate::schema::Body {
            message_type: $crate::message::MessageType($number),
            name: $shown,
            kind: $crate::schema::Kind::$kind,
            since: $crate::table::since!($since),
            fields: &[$($crate::table::field!($field $($spec)*)),*],
        };

        $crate::table::payload!(@ $shape $name $doc; $( ( $field $($spec)* ) )*);
    };
    (@ plain $name:ident $doc:expr; $($fields:tt)*) => {};
    (@ typed $name:ident $doc:expr; $($fields:tt)*) => {
        $crate::table::view! { #[doc = $doc] $name { $($fields)* } }

        impl $crate::wire::Payload for $name {
            const BODY: &'static $crate::schema::Body = &$name;
        }
    };
}

macro_rules! call {
    (plain) => {};
    (typed) => {
        impl $crate::wire::Call for Request {
            type Answer = Response;
            const METHOD: &'static $crate::schema::Method = &METHOD;
        }
    };
}

macro_rules! retryable {
    (retry) => {
        true
    };
    (once) => {
        false
    };
}

macro_rules! service {
    (
        $(#[$doc:meta])*
        $module:ident $service:ident $id:literal $shape:ident;
        $(
            $number:literal $method:ident $retry:ident $since:literal
            { $( ( $($request:tt)* ) )* } -> { $( ( $($response:tt)* ) )* }
            $( event $kind:literal $event:ident $event_since:literal { $( ( $($field:tt)* ) )* } )*;
        )*
    ) => {
        $(#[$doc])*
        pub mod $module {
            $(
                #[doc = concat!("`", stringify!($method), "` of the service `", stringify!($service), "`.")]
                pub mod $method {
                    $crate::table::payload! {
                        $shape Request Request ($id << 16) | ($number << 8), stringify!($method), $since,
                        concat!("The request `", stringify!($method), "`.");
                        $( ( $($request)* ) )*
                    }
                    $crate::table::payload! {
                        $shape Response Response ($id << 16) | ($number << 8) | 1, stringify!($method), $since,
                        concat!("The response to `", stringify!($method), "`.");
                        $( ( $($response)* ) )*
                    }
                    $(
                        $crate::table::payload! {
                            $shape $event Event ($id << 16) | ($number << 8) | $kind, stringify!($event), $event_since,
                            concat!("The event `", stringify!($event), "` of `", stringify!($method), "`.");
                            $( ( $($field)* ) )*
                        }
                    )*

                    /// All of the above.
                    pub static METHOD: $crate::schema::Method = $crate::schema::Method {
                        service: stringify!($service),
                        name: stringify!($method),
                        retryable: $crate::table::retryable!($retry),
                        request: &Request,
                        response: &Response,
                        events: &[$(&$event),*],
                    };

                    $crate::table::call!($shape);
                }
            )*

            /// All methods of the service, by number.
            pub static METHODS: &[&$crate::schema::Method] = &[$(&$method::METHOD),*];
        }
    };
}

use {call, field, payload, retryable, rust_type, since, view};

#[expect(non_upper_case_globals, reason = "types are spelled as in the protocol's definitions")]
pub mod types;

mod services;

pub use services::cache::cache;
pub use services::client::client;
pub use services::collection::{list, multi_map, queue, replicated_map, ringbuffer, set, topic};
pub use services::cp::{
    atomic_long, atomic_ref, count_down_latch, cp_group, cp_map, cp_session, cp_subsystem, fenced_lock, semaphore,
};
pub use services::dynamic_config::dynamic_config;
pub use services::executor::{
    cardinality_estimator, durable_executor, executor_service, flake_id_generator, pn_counter, scheduled_executor,
};
pub use services::jet::jet;
pub use services::map::{continuous_query, map};
pub use services::mc::mc;
pub use services::query::{experimental, sql, vector_collection};
pub use services::transaction::{
    transaction, transactional_list, transactional_map, transactional_multi_map, transactional_queue,
    transactional_set, xa_transaction,
};

/// The response that carries errors, to whatever request.
#[expect(non_upper_case_globals, reason = "a body and its struct have one name")]
pub mod fault {
    payload! {
        typed Response Response 0, "error", 2.0, "The response that carries errors, the outermost first.";
        (errors List_ErrorHolder)
    }
}

/// The methods of all services, by the number of the service.
static SERVICES: &[&[&Method]] = &[
    client::METHODS,
    map::METHODS,
    multi_map::METHODS,
    queue::METHODS,
    topic::METHODS,
    list::METHODS,
    set::METHODS,
    fenced_lock::METHODS,
    executor_service::METHODS,
    atomic_long::METHODS,
    atomic_ref::METHODS,
    count_down_latch::METHODS,
    semaphore::METHODS,
    replicated_map::METHODS,
    transactional_map::METHODS,
    transactional_multi_map::METHODS,
    transactional_set::METHODS,
    transactional_list::METHODS,
    transactional_queue::METHODS,
    cache::METHODS,
    xa_transaction::METHODS,
    transaction::METHODS,
    continuous_query::METHODS,
    ringbuffer::METHODS,
    durable_executor::METHODS,
    cardinality_estimator::METHODS,
    scheduled_executor::METHODS,
    dynamic_config::METHODS,
    flake_id_generator::METHODS,
    pn_counter::METHODS,
    cp_group::METHODS,
    cp_session::METHODS,
    mc::METHODS,
    sql::METHODS,
    cp_subsystem::METHODS,
    cp_map::METHODS,
    vector_collection::METHODS,
    experimental::METHODS,
    jet::METHODS,
];

/// All methods, by number.
pub fn methods() -> impl Iterator<Item = &'static Method> {
    SERVICES.iter().flat_map(|service| service.iter().copied())
}

/// The method whose request, response or event has this type.
pub fn method(message_type: MessageType) -> Option<&'static Method> {
    let request = message_type.request();
    let service_of = |methods: &&[&Method]| methods.first().map(|method| method.request.message_type.service());
    let service = SERVICES.binary_search_by_key(&Some(request.service()), service_of).ok()?;
    let methods = SERVICES.get(service)?;
    let at = methods.binary_search_by_key(&request, |method| method.request.message_type).ok()?;
    methods.get(at).copied()
}

/// The fields of the message of this type.
pub fn body(message_type: MessageType) -> Option<&'static Body> {
    if message_type == MessageType::ERROR {
        return Some(&fault::Response);
    }
    method(message_type)?.bodies().find(|body| body.message_type == message_type)
}
