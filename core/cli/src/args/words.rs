//! Options that take one of a few words: clap knows the words, so that shells complete them and a wrong one is told
//! with all that there are.

use clap::builder::{PossibleValue, PossibleValuesParser, StringValueParser, TypedValueParser};
use ironcore_egress::SigningKind;
use ironcore_ledger::model::{IncidentState, MessageState, Service};
use ironcore_types::right::{Right, Role};
use ironcore_types::statistics::Bucket;
use ironcore_types::verification::VerifyResult;
use ironcore_types::{ErrorCode, EventType, RoleName, Severity, TaskState, TaskType};

/// One of `all`, shown as `word` has it. Whether case matters is said by the option.
fn one_of<T>(all: &'static [T], word: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    PossibleValuesParser::new(all.iter().map(|one| word(*one))).try_map(move |text| {
        let found = all.iter().find(|one| word(**one).eq_ignore_ascii_case(&text));
        found.copied().ok_or("no such word")
    })
}

/// The words as the API takes them, joined by commas; none for none.
pub(crate) fn joined<T: Copy>(words: &[T], word: fn(T) -> &'static str) -> Option<String> {
    let words: Vec<&str> = words.iter().map(|one| word(*one)).collect();
    (!words.is_empty()).then(|| words.join(","))
}

pub(super) fn task_type() -> impl TypedValueParser<Value = TaskType> {
    one_of(TaskType::ALL, TaskType::as_str)
}

/// As people see states: `OK`, `running`.
pub(super) fn task_state() -> impl TypedValueParser<Value = TaskState> {
    one_of(TaskState::ALL, TaskState::shown)
}

pub(super) fn message_state() -> impl TypedValueParser<Value = MessageState> {
    one_of(MessageState::ALL, MessageState::as_str)
}

pub(super) fn incident_state() -> impl TypedValueParser<Value = IncidentState> {
    one_of(IncidentState::ALL, IncidentState::as_str)
}

pub(super) fn verify_result() -> impl TypedValueParser<Value = VerifyResult> {
    one_of(VerifyResult::ALL, VerifyResult::as_str)
}

pub(super) fn signing_kind() -> impl TypedValueParser<Value = SigningKind> {
    one_of(SigningKind::ALL, SigningKind::as_str)
}

pub(super) fn bucket() -> impl TypedValueParser<Value = Bucket> {
    one_of(Bucket::ALL, Bucket::as_str)
}

pub(super) fn role() -> impl TypedValueParser<Value = Service> {
    one_of(Service::ALL, Service::as_str)
}

/// Without `ironcore.`, as people write them.
pub(super) fn event_type() -> impl TypedValueParser<Value = EventType> {
    one_of(EventType::ALL, |event_type| {
        event_type.as_str().trim_start_matches("ironcore.")
    })
}

pub(super) fn error_code() -> impl TypedValueParser<Value = ErrorCode> {
    one_of(ErrorCode::ALL, ErrorCode::as_str)
}

pub(super) fn severity() -> impl TypedValueParser<Value = Severity> {
    one_of(Severity::ALL, Severity::as_str)
}

pub(super) fn right() -> impl TypedValueParser<Value = Right> {
    one_of(Right::ALL, Right::as_str)
}

/// Who has what rights: shells complete the roles that every hub has, and a hub's own are understood too.
pub(super) fn access_role() -> impl TypedValueParser<Value = RoleName> {
    Roles
}

#[derive(Debug, Clone)]
struct Roles;

impl TypedValueParser for Roles {
    type Value = RoleName;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<RoleName, clap::Error> {
        let names = StringValueParser::new().try_map(RoleName::new);
        names.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let roles = Role::ALL.iter();
        Some(Box::new(roles.map(|role| {
            PossibleValue::new(role.as_str()).help(role.comment())
        })))
    }
}
