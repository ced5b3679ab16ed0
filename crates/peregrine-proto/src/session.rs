//! Session options: the arguments and outcomes of SetSessionOptions, GetSessionOptions and CloseSession.

use std::collections::BTreeMap;
use std::fmt;

use crate::FlightError;
use crate::generated::flight;
use crate::message::{Generated, flight_messages};

/// The value of a session option.
///
/// ```
/// use peregrine_proto::{SessionOptionValue, SetSessionOptionsRequest};
///
/// let request = SetSessionOptionsRequest::new([("catalog", "main".into()), ("timeout", 30.into())]);
/// assert_eq!(request.session_options()["timeout"], SessionOptionValue::Int64(30));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub enum SessionOptionValue {
    /// No value: the option is taken away.
    #[default]
    Unset,
    /// A text.
    String(String),
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int64(i64),
    /// A number.
    Double(f64),
    /// Texts.
    StringList(Vec<String>),
}

impl fmt::Display for SessionOptionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => f.write_str("unset"),
            Self::String(value) => value.fmt(f),
            Self::Bool(value) => value.fmt(f),
            Self::Int64(value) => value.fmt(f),
            Self::Double(value) => value.fmt(f),
            Self::StringList(values) => write!(f, "[{}]", values.join(", ")),
        }
    }
}

/// Writes the conversions into a value.
macro_rules! from_values {
    ($($type:ty => $variant:ident,)*) => {
        $(impl From<$type> for SessionOptionValue {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

from_values! {
    String => String,
    &str => String,
    bool => Bool,
    i32 => Int64,
    i64 => Int64,
    f64 => Double,
    Vec<String> => StringList,
}

/// Asks to set session options: the body of the `SetSessionOptions` action.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SetSessionOptionsRequest(BTreeMap<String, SessionOptionValue>);

impl SetSessionOptionsRequest {
    /// Asks to set these options.
    pub fn new<K: Into<String>>(options: impl IntoIterator<Item = (K, SessionOptionValue)>) -> Self {
        Self(options.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// The options by name.
    pub fn session_options(&self) -> &BTreeMap<String, SessionOptionValue> {
        &self.0
    }
}

/// Why a session option was not set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SetSessionOptionError {
    /// Not told, or told by a number that this version does not know.
    #[default]
    Unspecified,
    /// No such option.
    InvalidName,
    /// The option cannot take this value.
    InvalidValue,
    /// The option could not be set.
    Error,
}

impl fmt::Display for SetSessionOptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::InvalidName => "no such option",
            Self::InvalidValue => "invalid value",
            Self::Error => "could not be set",
        })
    }
}

/// The outcome of the `SetSessionOptions` action: what was not set. All that is not named was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SetSessionOptionsResult(BTreeMap<String, SetSessionOptionError>);

impl SetSessionOptionsResult {
    /// An outcome of these refusals.
    pub fn new<K: Into<String>>(errors: impl IntoIterator<Item = (K, SetSessionOptionError)>) -> Self {
        Self(errors.into_iter().map(|(name, error)| (name.into(), error)).collect())
    }

    /// What was not set, by name.
    pub fn errors(&self) -> &BTreeMap<String, SetSessionOptionError> {
        &self.0
    }
}

/// Asks for all session options: the body of the `GetSessionOptions` action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct GetSessionOptionsRequest;

/// The outcome of the `GetSessionOptions` action.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GetSessionOptionsResult(BTreeMap<String, SessionOptionValue>);

impl GetSessionOptionsResult {
    /// An outcome of these options.
    pub fn new<K: Into<String>>(options: impl IntoIterator<Item = (K, SessionOptionValue)>) -> Self {
        Self(options.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// The options by name.
    pub fn session_options(&self) -> &BTreeMap<String, SessionOptionValue> {
        &self.0
    }
}

/// Asks to end the session: the body of the `CloseSession` action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CloseSessionRequest;

/// What became of a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseSessionStatus {
    /// Not told, or told by a number that this version does not know. Asking again is no use.
    #[default]
    Unspecified,
    /// Closed.
    Closed,
    /// Being closed.
    Closing,
    /// It cannot be closed.
    NotCloseable,
}

impl fmt::Display for CloseSessionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::Closed => "closed",
            Self::Closing => "closing",
            Self::NotCloseable => "not closeable",
        })
    }
}

/// The outcome of the `CloseSession` action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CloseSessionResult(CloseSessionStatus);

impl CloseSessionResult {
    /// An outcome of this status.
    pub fn new(status: CloseSessionStatus) -> Self {
        Self(status)
    }

    /// What became of the session.
    pub fn status(&self) -> CloseSessionStatus {
        self.0
    }
}

impl Generated for SessionOptionValue {
    type Message = flight::SessionOptionValue;
    const NAME: &'static str = "SessionOptionValue";

    fn to_generated(&self) -> Self::Message {
        use flight::session_option_value::{OptionValue, StringListValue};
        let option_value = match self.clone() {
            Self::Unset => None,
            Self::String(value) => Some(OptionValue::StringValue(value)),
            Self::Bool(value) => Some(OptionValue::BoolValue(value)),
            Self::Int64(value) => Some(OptionValue::Int64Value(value)),
            Self::Double(value) => Some(OptionValue::DoubleValue(value)),
            Self::StringList(values) => Some(OptionValue::StringListValue(StringListValue { values })),
        };
        Self::Message { option_value }
    }

    fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
        use flight::session_option_value::OptionValue;
        Ok(match message.option_value {
            None => Self::Unset,
            Some(OptionValue::StringValue(value)) => Self::String(value),
            Some(OptionValue::BoolValue(value)) => Self::Bool(value),
            Some(OptionValue::Int64Value(value)) => Self::Int64(value),
            Some(OptionValue::DoubleValue(value)) => Self::Double(value),
            Some(OptionValue::StringListValue(list)) => Self::StringList(list.values),
        })
    }
}

/// Writes the conversions of the two messages that are a map of options.
macro_rules! options_message {
    ($name:ident) => {
        impl Generated for $name {
            type Message = flight::$name;
            const NAME: &'static str = stringify!($name);

            fn to_generated(&self) -> Self::Message {
                let options = self.0.iter().map(|(name, value)| (name.clone(), value.to_generated()));
                Self::Message { session_options: options.collect() }
            }

            fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
                let options = message.session_options.into_iter();
                let options = options.map(|(name, value)| Ok((name, Generated::from_generated(value)?)));
                Ok(Self(options.collect::<Result<_, FlightError>>()?))
            }
        }
    };
}

options_message!(SetSessionOptionsRequest);
options_message!(GetSessionOptionsResult);

impl Generated for SetSessionOptionsResult {
    type Message = flight::SetSessionOptionsResult;
    const NAME: &'static str = "SetSessionOptionsResult";

    fn to_generated(&self) -> Self::Message {
        use flight::set_session_options_result::{Error, ErrorValue};
        let errors = self.0.iter().map(|(name, error)| {
            let value = match error {
                SetSessionOptionError::Unspecified => ErrorValue::Unspecified,
                SetSessionOptionError::InvalidName => ErrorValue::InvalidName,
                SetSessionOptionError::InvalidValue => ErrorValue::InvalidValue,
                SetSessionOptionError::Error => ErrorValue::Error,
            };
            (name.clone(), Error { value: value.into() })
        });
        Self::Message { errors: errors.collect() }
    }

    fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
        use flight::set_session_options_result::ErrorValue;
        let errors = message.errors.into_iter().map(|(name, error)| {
            let error = match error.value() {
                ErrorValue::Unspecified => SetSessionOptionError::Unspecified,
                ErrorValue::InvalidName => SetSessionOptionError::InvalidName,
                ErrorValue::InvalidValue => SetSessionOptionError::InvalidValue,
                ErrorValue::Error => SetSessionOptionError::Error,
            };
            (name, error)
        });
        Ok(Self(errors.collect()))
    }
}

/// Writes the conversions of the two messages without fields.
macro_rules! empty_message {
    ($name:ident) => {
        impl Generated for $name {
            type Message = flight::$name;
            const NAME: &'static str = stringify!($name);

            fn to_generated(&self) -> Self::Message {
                Self::Message {}
            }

            fn from_generated(_: Self::Message) -> Result<Self, FlightError> {
                Ok(Self)
            }
        }
    };
}

empty_message!(GetSessionOptionsRequest);
empty_message!(CloseSessionRequest);

impl Generated for CloseSessionResult {
    type Message = flight::CloseSessionResult;
    const NAME: &'static str = "CloseSessionResult";

    fn to_generated(&self) -> Self::Message {
        use flight::close_session_result::Status;
        let status = match self.0 {
            CloseSessionStatus::Unspecified => Status::Unspecified,
            CloseSessionStatus::Closed => Status::Closed,
            CloseSessionStatus::Closing => Status::Closing,
            CloseSessionStatus::NotCloseable => Status::NotCloseable,
        };
        Self::Message { status: status.into() }
    }

    fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
        use flight::close_session_result::Status;
        Ok(Self(match message.status() {
            Status::Unspecified => CloseSessionStatus::Unspecified,
            Status::Closed => CloseSessionStatus::Closed,
            Status::Closing => CloseSessionStatus::Closing,
            Status::NotCloseable => CloseSessionStatus::NotCloseable,
        }))
    }
}

flight_messages!(
    SetSessionOptionsRequest,
    SetSessionOptionsResult,
    GetSessionOptionsRequest,
    GetSessionOptionsResult,
    CloseSessionRequest,
    CloseSessionResult,
);
