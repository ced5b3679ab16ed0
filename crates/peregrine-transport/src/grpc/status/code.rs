//! The codes of gRPC.

use std::fmt;

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

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
