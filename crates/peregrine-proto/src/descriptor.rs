//! `FlightDescriptor`: the name of a flight, a path or a command.

use std::fmt;

use bytes::Bytes;

use crate::FlightError;
use crate::generated::flight;
use crate::message::{Generated, flight_messages};

/// Whether a descriptor names a flight by path or by command.
///
/// The protocol's third type, UNKNOWN, is never valid: a descriptor that has it is refused when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DescriptorType {
    /// A path of parts.
    Path,
    /// Bytes that tell the service how to make the data.
    Command,
}

impl fmt::Display for DescriptorType {
    /// The protocol's names: `PATH`, `CMD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "PATH",
            Self::Command => "CMD",
        })
    }
}

/// Names a flight: by path, or by a command that only the service understands.
///
/// ```
/// use peregrine_proto::FlightDescriptor;
///
/// let descriptor = FlightDescriptor::for_path(["2026", "trips"]);
/// assert_eq!(descriptor.path(), ["2026", "trips"]);
/// assert_eq!(descriptor.to_string(), "2026/trips");
/// assert_ne!(descriptor, FlightDescriptor::for_command("2026/trips"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlightDescriptor(Name);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Name {
    Path(Vec<String>),
    Command(Bytes),
}

static NO_COMMAND: Bytes = Bytes::new();

impl FlightDescriptor {
    /// Names a flight by the parts of a path.
    pub fn for_path(path: impl IntoIterator<Item: Into<String>>) -> Self {
        Self(Name::Path(path.into_iter().map(Into::into).collect()))
    }

    /// Names a flight by a command.
    pub fn for_command(command: impl Into<Bytes>) -> Self {
        Self(Name::Command(command.into()))
    }

    /// Which of the two it is.
    pub fn descriptor_type(&self) -> DescriptorType {
        match self.0 {
            Name::Path(_) => DescriptorType::Path,
            Name::Command(_) => DescriptorType::Command,
        }
    }

    /// The parts of the path; empty for a command.
    pub fn path(&self) -> &[String] {
        match &self.0 {
            Name::Path(path) => path,
            Name::Command(_) => &[],
        }
    }

    /// The command; empty for a path.
    pub fn command(&self) -> &Bytes {
        match &self.0 {
            Name::Path(_) => &NO_COMMAND,
            Name::Command(command) => command,
        }
    }
}

impl fmt::Display for FlightDescriptor {
    /// A path joined by `/`, or a command with all that is not printable ASCII escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Name::Path(path) => f.write_str(&path.join("/")),
            Name::Command(command) => write!(f, "{}", command.escape_ascii()),
        }
    }
}

impl Generated for FlightDescriptor {
    type Message = flight::FlightDescriptor;
    const NAME: &'static str = "FlightDescriptor";

    fn to_generated(&self) -> Self::Message {
        use flight::flight_descriptor::DescriptorType as Type;
        match &self.0 {
            Name::Path(path) => {
                Self::Message { r#type: Type::Path.into(), path: path.clone(), ..Self::Message::default() }
            }
            Name::Command(command) => {
                Self::Message { r#type: Type::Cmd.into(), cmd: command.clone(), ..Self::Message::default() }
            }
        }
    }

    fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
        use flight::flight_descriptor::DescriptorType as Type;
        match Type::try_from(message.r#type) {
            Ok(Type::Path) => Ok(Self(Name::Path(message.path))),
            Ok(Type::Cmd) => Ok(Self(Name::Command(message.cmd))),
            Ok(Type::Unknown) | Err(_) => {
                let number = message.r#type;
                Err(FlightError::invalid_argument(format!(
                    "FlightDescriptor.type is {number}, neither PATH (1) nor CMD (2)"
                )))
            }
        }
    }
}

flight_messages!(FlightDescriptor);
