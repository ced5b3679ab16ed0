//! The command line that the official programs of all languages share: long flags with one dash or with two.

use std::ffi::OsString;

/// The arguments with two dashes before each flag, as clap knows them. A single dash before a single letter stays.
pub fn two_dashes(arguments: impl IntoIterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    arguments.into_iter().map(|argument| match argument.as_encoded_bytes() {
        [b'-', letter, _, ..] if *letter != b'-' => {
            let mut flag = OsString::from("-");
            flag.push(argument);
            flag
        }
        _ => argument,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dash_is_as_good_as_two() {
        let given = ["-port=0", "-host", "localhost", "--path", "a-b.json", "-h", "-", "--"].map(OsString::from);
        let expected = ["--port=0", "--host", "localhost", "--path", "a-b.json", "-h", "-", "--"].map(OsString::from);
        assert_eq!(two_dashes(given).collect::<Vec<_>>(), expected);
    }
}
