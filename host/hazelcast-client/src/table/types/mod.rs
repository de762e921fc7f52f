//! The types of fields, each under one name as a [`Type`] for the codec and as a Rust type for those who use it.

#![allow(non_camel_case_types, reason = "types are spelled as in the protocol's definitions")]

use crate::schema::Type;
use crate::uuid::Uuid;
use crate::wire::Bytes;

/// Custom types: one row each, of which the codec's record and a Rust struct are made.
macro_rules! record {
    ($($(#[$doc:meta])* $name:ident { $($fields:tt)* })*) => {$(
        $(#[$doc])*
        pub const $name: $crate::schema::Type = $crate::table::types::record!(@ $name $($fields)*);

        $crate::table::view! { $(#[$doc])* $name { $($fields)* } }
    )*};
    (@ $name:ident $( ( $field:ident $($spec:tt)* ) )*) => {{
        static RECORD: $crate::schema::Record = $crate::schema::Record {
            name: stringify!($name),
            fields: &[$($crate::table::field!($field $($spec)*)),*],
        };
        $crate::schema::Type::Record(&RECORD)
    }};
}

use record;

macro_rules! types {
    ($($name:ident = $rust:ty, $ty:expr;)*) => {$(
        #[doc = concat!("`", stringify!($name), "` of the protocol's definitions.")]
        pub const $name: Type = $ty;
        #[doc = concat!("`", stringify!($name), "` of the protocol's definitions.")]
        pub type $name = $rust;
    )*};
}

macro_rules! lists {
    ($($name:ident $element:ident)*) => {
        types! { $($name = Vec<$element>, Type::List { of: &$element, nullable: false };)* }
    };
}

macro_rules! entries {
    ($($name:ident $key:ident $value:ident)*) => {
        types! { $($name = Vec<($key, $value)>, Type::Entries(&$key, &$value);)* }
    };
}

#[expect(non_upper_case_globals, reason = "types are spelled as in the protocol's definitions")]
mod config;
#[expect(non_upper_case_globals, reason = "types are spelled as in the protocol's definitions")]
mod data;
#[expect(non_upper_case_globals, reason = "types are spelled as in the protocol's definitions")]
mod member;

pub use config::*;
pub use data::*;
pub use member::*;

types! {
    boolean = bool, Type::Boolean;
    byte = u8, Type::Byte;
    int = i32, Type::Int;
    long = i64, Type::Long;
    float = f32, Type::Float;
    UUID = Uuid, Type::Uuid;
    String = std::string::String, Type::Text;
    Data = Bytes, Type::Bytes;
    byteArray = Bytes, Type::Bytes;
    longArray = Vec<i64>, Type::Packed(&Type::Long);
    floatArray = Vec<f32>, Type::Packed(&Type::Float);
    SqlPage = Bytes, Type::Opaque;
    List_Integer = Vec<i32>, Type::Packed(&Type::Int);
    List_Long = Vec<i64>, Type::Packed(&Type::Long);
    List_UUID = Vec<Uuid>, Type::Packed(&Type::Uuid);
    ListCN_Data = Vec<Option<Data>>, Type::List { of: &Data, nullable: true };
}

lists! {
    List_AttributeConfig AttributeConfig
    List_CPMember CPMember
    List_CacheEventData CacheEventData
    List_CacheSimpleEntryListenerConfig CacheSimpleEntryListenerConfig
    List_ClientBwListEntry ClientBwListEntry
    List_Data Data
    List_DiscoveryStrategyConfig DiscoveryStrategyConfig
    List_DistributedObjectInfo DistributedObjectInfo
    List_ErrorHolder ErrorHolder
    List_FieldDescriptor FieldDescriptor
    List_IndexConfig IndexConfig
    List_JobAndSqlSummary JobAndSqlSummary
    List_List_Data List_Data
    List_List_UUID List_UUID
    List_ListenerConfigHolder ListenerConfigHolder
    List_MCEvent MCEvent
    List_MemberInfo MemberInfo
    List_PartitioningAttributeConfig PartitioningAttributeConfig
    List_QueryCacheConfigHolder QueryCacheConfigHolder
    List_QueryCacheEventData QueryCacheEventData
    List_RaftGroupId RaftGroupId
    List_RaftGroupInfo RaftGroupInfo
    List_ReplicatedMapEntryViewHolder ReplicatedMapEntryViewHolder
    List_ResourceDefinition ResourceDefinition
    List_ScheduledTaskHandler ScheduledTaskHandler
    List_Schema Schema
    List_SimpleEntryView SimpleEntryView
    List_SqlColumnMetadata SqlColumnMetadata
    List_StackTraceElement StackTraceElement
    List_String String
    List_VectorIndexConfig VectorIndexConfig
    List_VectorPair VectorPair
    List_VectorSearchResult VectorSearchResult
    List_WanBatchPublisherConfigHolder WanBatchPublisherConfigHolder
    List_WanCustomPublisherConfigHolder WanCustomPublisherConfigHolder
    List_Xid Xid
}

entries! {
    EntryList_Data_Data Data Data
    EntryList_Data_List_Data Data List_Data
    EntryList_Data_VectorDocument Data VectorDocument
    EntryList_Integer_Integer int int
    EntryList_Integer_Long int long
    EntryList_Integer_UUID int UUID
    EntryList_Long_byteArray long byteArray
    EntryList_String_EntryList_Integer_Long String EntryList_Integer_Long
    EntryList_String_String String String
    EntryList_String_byteArray String byteArray
    EntryList_UUID_List_Integer UUID List_Integer
    EntryList_UUID_Long UUID long
    EntryList_UUID_UUID UUID UUID
    Map_EndpointQualifier_Address EndpointQualifier Address
    Map_String_Data String Data
    Map_String_String String String
}
