//! The codes of gRPC.

use std::fmt;

use crate::FlightErrorKind;

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $number:literal, $name:literal;)*) => {
        /// A code of gRPC. There are no others, and have been none since its first version.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $code = $number,)*
        }

        impl Code {
            /// All codes, by number.
            pub const ALL: [Self; 17] = [$(Self::$code),*];

            /// The code's name, as gRPC writes it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }
        }
    };
}

codes! {
    /// The call went well.
    Ok = 0, "OK";
    /// The call was cancelled.
    Cancelled = 1, "CANCELLED";
    /// An error without a code of its own.
    Unknown = 2, "UNKNOWN";
    /// The request itself is wrong.
    InvalidArgument = 3, "INVALID_ARGUMENT";
    /// The deadline passed.
    DeadlineExceeded = 4, "DEADLINE_EXCEEDED";
    /// What was asked for does not exist.
    NotFound = 5, "NOT_FOUND";
    /// What was to be created exists.
    AlreadyExists = 6, "ALREADY_EXISTS";
    /// The caller may not do this.
    PermissionDenied = 7, "PERMISSION_DENIED";
    /// A limit was reached.
    ResourceExhausted = 8, "RESOURCE_EXHAUSTED";
    /// The service is not in the state that the call needs.
    FailedPrecondition = 9, "FAILED_PRECONDITION";
    /// The call lost a race.
    Aborted = 10, "ABORTED";
    /// A position is behind the end.
    OutOfRange = 11, "OUT_OF_RANGE";
    /// The method or feature is not there.
    Unimplemented = 12, "UNIMPLEMENTED";
    /// An invariant was broken.
    Internal = 13, "INTERNAL";
    /// The service cannot be reached now.
    Unavailable = 14, "UNAVAILABLE";
    /// Data is lost.
    DataLoss = 15, "DATA_LOSS";
    /// It is not known who calls.
    Unauthenticated = 16, "UNAUTHENTICATED";
}

impl Code {
    /// The code's number in `grpc-status`.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The code with a number; `None` if gRPC has none.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// Every kind once, with its code. Of two kinds with one code the first is what the code means by itself.
const KINDS: [(FlightErrorKind, Code); 17] = [
    (FlightErrorKind::Cancelled, Code::Cancelled),
    (FlightErrorKind::Failed, Code::Unknown),
    (FlightErrorKind::Unknown, Code::Unknown),
    (FlightErrorKind::InvalidArgument, Code::InvalidArgument),
    (FlightErrorKind::TimedOut, Code::DeadlineExceeded),
    (FlightErrorKind::NotFound, Code::NotFound),
    (FlightErrorKind::AlreadyExists, Code::AlreadyExists),
    (FlightErrorKind::Unauthorized, Code::PermissionDenied),
    (FlightErrorKind::ResourceExhausted, Code::ResourceExhausted),
    (FlightErrorKind::FailedPrecondition, Code::FailedPrecondition),
    (FlightErrorKind::Aborted, Code::Aborted),
    (FlightErrorKind::OutOfRange, Code::OutOfRange),
    (FlightErrorKind::Unimplemented, Code::Unimplemented),
    (FlightErrorKind::Internal, Code::Internal),
    (FlightErrorKind::Unavailable, Code::Unavailable),
    (FlightErrorKind::DataLoss, Code::DataLoss),
    (FlightErrorKind::Unauthenticated, Code::Unauthenticated),
];

impl From<FlightErrorKind> for Code {
    /// The code that tells a peer about errors of a kind.
    fn from(kind: FlightErrorKind) -> Self {
        KINDS.iter().find(|(other, _)| *other == kind).map_or(Self::Unknown, |(_, code)| *code)
    }
}

impl From<Code> for FlightErrorKind {
    /// What a code means by itself. [`Code::Ok`], which is no error, becomes [`FlightErrorKind::Unknown`].
    fn from(code: Code) -> Self {
        KINDS.iter().find(|(_, other)| *other == code).map_or(Self::Unknown, |(kind, _)| *kind)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_code_and_every_code_but_ok_a_kind() {
        for kind in FlightErrorKind::ALL.iter().copied().filter(|kind| *kind != FlightErrorKind::Unknown) {
            assert_eq!(FlightErrorKind::from(Code::from(kind)), kind);
        }
        for code in Code::ALL.into_iter().skip(1) {
            assert_eq!(Code::from(FlightErrorKind::from(code)), code);
        }
        assert_eq!(Code::from(FlightErrorKind::Unknown), Code::Unknown);
        assert_eq!(FlightErrorKind::from(Code::Ok), FlightErrorKind::Unknown);
    }
}
