//! What members answer.

use super::group::{Settings, State};
use crate::connection::Credentials;
use crate::schema::{Body, Record};
use crate::table::client::{authentication, authentication_custom};
use crate::table::types::{Address, ErrorHolder};
use crate::table::{self, fault, mc};
use crate::{Call, EncodeError, Header, Message, Payload, Uuid, Value, encode};

/// A member, and the request that it answers.
pub(super) struct Asked<'a> {
    pub state: &'a mut State,
    pub member: Uuid,
    pub request: &'a Message,
    /// What authentication is answered with whatever the client says.
    pub status: Option<u8>,
}

type Answer = fn(&mut Asked<'_>) -> Result<Message, EncodeError>;

/// The messages whose answers say something. All others that the tables know are answered with defaults.
static ANSWERS: &[(&Body, Answer)] = &[
    (&authentication::Request, |asked| asked.authenticated::<authentication::Request>()),
    (&authentication_custom::Request, |asked| asked.authenticated::<authentication_custom::Request>()),
    (&mc::change_cluster_state::Request, |asked| {
        if let Ok(request) = mc::change_cluster_state::Request::decode(asked.request) {
            asked.state.settings.state = u8::try_from(request.new_state).unwrap_or(0);
        }
        asked.say(mc::change_cluster_state::Response {})
    }),
    (&mc::get_cluster_metadata::Request, |asked| {
        let settings = &asked.state.settings;
        asked.say(mc::get_cluster_metadata::Response {
            current_state: settings.state,
            member_version: release(settings),
            jet_version: None,
            cluster_time: 0,
            cluster_id: settings.cluster,
        })
    }),
    (&mc::get_timed_member_state::Request, |asked| {
        let json = asked.timed_member_state();
        asked.say(mc::get_timed_member_state::Response { timed_member_state_json: Some(json) })
    }),
];

/// Who a client says it is, whichever way it authenticates.
trait Authentication: Call {
    fn allowed(&self, settings: &Settings) -> bool;
}

impl Authentication for authentication::Request {
    fn allowed(&self, settings: &Settings) -> bool {
        let given = (self.username.as_ref(), self.password.as_ref());
        let credentials = match &settings.credentials {
            Credentials::None => given == (None, None),
            Credentials::Password { user, password } => given == (Some(user), Some(password)),
            Credentials::Token(_) | Credentials::Custom(_) => false,
        };
        credentials && self.cluster_name == settings.name
    }
}

impl Authentication for authentication_custom::Request {
    fn allowed(&self, settings: &Settings) -> bool {
        let credentials = match &settings.credentials {
            Credentials::Token(bytes) | Credentials::Custom(bytes) => *bytes == self.credentials,
            Credentials::None | Credentials::Password { .. } => false,
        };
        credentials && self.cluster_name == settings.name
    }
}

fn release(settings: &Settings) -> String {
    let (major, minor, patch) = settings.release;
    format!("{major}.{minor}.{patch}")
}

impl Asked<'_> {
    /// The answer to the request.
    pub(super) fn answer(&mut self) -> Result<Message, EncodeError> {
        let asked = self.request.message_type();
        if let Some((_, answer)) = ANSWERS.iter().find(|(request, _)| request.message_type == asked) {
            return answer(self);
        }
        match table::method(asked) {
            Some(method) if method.request.message_type == asked => {
                let record = Record { name: method.name, fields: method.response.fields };
                let Value::Record(values) = record.default_value() else {
                    return Err(EncodeError::no_record(method.response));
                };
                encode(method.response, &values, self.state.settings.protocol, self.header())
            }
            _ => self.fault(61, "java.lang.UnsupportedOperationException", "Unrecognized client message"),
        }
    }

    /// An exception in place of an answer.
    pub(super) fn fault(&self, code: i32, class: &str, message: &str) -> Result<Message, EncodeError> {
        let error = ErrorHolder {
            error_code: code,
            class_name: class.to_owned(),
            message: Some(message.to_owned()),
            stack_trace_elements: Vec::new(),
        };
        self.say(fault::Response { errors: vec![error] })
    }

    fn header(&self) -> Header {
        Header { correlation: self.request.correlation(), ..Header::default() }
    }

    fn say(&self, answer: impl Payload) -> Result<Message, EncodeError> {
        answer.encode_for(self.state.settings.protocol, self.header())
    }

    /// Members that let nobody in leave everything out that they could say about themselves.
    fn authenticated<R: Authentication>(&self) -> Result<Message, EncodeError> {
        let State { settings, members, list_version, .. } = &*self.state;
        let allowed = R::decode(self.request).is_ok_and(|request| request.allowed(settings));
        let status = self.status.unwrap_or(u8::from(!allowed));
        let answer = if status == 0 {
            let me = members.iter().find(|member| member.uuid == self.member);
            authentication::Response {
                status,
                address: me.map(|me| me.address.clone()),
                member_uuid: Some(self.member),
                serialization_version: 1,
                server_hazelcast_version: release(settings),
                partition_count: settings.partition_count,
                cluster_id: Some(settings.cluster),
                failover_supported: settings.enterprise,
                tpc_ports: Some(Vec::new()),
                tpc_token: None,
                member_list_version: *list_version,
                member_infos: members.clone(),
                partition_list_version: -1,
                partitions: Vec::new(),
                key_value_pairs: Vec::new(),
            }
        } else {
            authentication::Response {
                status,
                serialization_version: 0xff,
                partition_count: -1,
                member_list_version: -1,
                partition_list_version: -1,
                ..authentication::Response::default()
            }
        };
        let mut answer = self.say(answer)?;
        answer.set_message_type(R::Answer::BODY.message_type);
        Ok(answer)
    }

    /// The part of a real one that operators read.
    fn timed_member_state(&self) -> String {
        let State { settings, members, .. } = &*self.state;
        let me = members.iter().find(|member| member.uuid == self.member);
        let Address { host, port } = me.map(|me| me.address.clone()).unwrap_or_default();
        let master = members.first().is_some_and(|first| first.uuid == self.member);
        let owned = self.state.partitions().into_iter().find(|(owner, _)| *owner == self.member);
        let partitions: Vec<String> =
            owned.map(|(_, ids)| ids.iter().map(i32::to_string).collect()).unwrap_or_default();
        let node = if settings.state == PASSIVE { "PASSIVE" } else { "ACTIVE" };
        format!(
            r#"{{"timedMemberState":{{"master":{master},"memberState":{{"address":"{host}:{port}","uuid":"{uuid}","#,
            uuid = self.member,
        ) + &format!(
            r#""name":"simulated","nodeState":{{"nodeState":"{node}","memberVersion":"{release}"}},"#,
            release = release(settings),
        ) + &format!(
            r#""memberPartitionState":{{"partitions":[{}],"memberStateSafe":true}}}}}}}}"#,
            partitions.join(","),
        )
    }
}

/// The number of the cluster state in which members take no data.
const PASSIVE: u8 = 3;
