//! What errors say, and which integer they name.

use std::fmt::Error;

use super::{CallError, FullError, HandleError, InsertError, QuiesceError, WaitError};

#[test]
fn every_error_says_what_is_wrong() {
    let (raw, full) = (0xAB, FullError::new(7));
    let wrong_type = HandleError::WrongType { raw, expected: "Want", found: "Have" };
    let failed = InsertError::<u8, Error>::Failed(Error).to_string();
    assert_eq!(failed, Error.to_string());
    for (text, words) in [
        (HandleError::Null.to_string(), "is null"),
        (HandleError::Unknown { raw }.to_string(), "0xab was never issued"),
        (HandleError::Deleted { raw }.to_string(), "0xab was already deleted"),
        (wrong_type.to_string(), "0xab holds another type: asked for `Want`, it holds `Have`"),
        (HandleError::Busy { raw }.to_string(), "0xab is borrowed"),
        (HandleError::NotYet { raw }.to_string(), "0xab is reserved"),
        (full.to_string(), "ran out of handle space"),
        (format!("{full:?}"), "FullError"),
        (InsertError::<_, Error>::Full(full).to_string(), "ran out of handle space"),
        (format!("{:?}", InsertError::<_, Error>::Full(full)), "Full(FullError"),
        (format!("{:?}", InsertError::<u8, _>::Failed(Error)), "Failed(Error)"),
        (CallError::Handle(HandleError::Null).to_string(), "is null"),
        (CallError::Panicked.to_string(), "the callback panicked"),
        (WaitError::Handle(HandleError::Null).to_string(), "is null"),
        (WaitError::WouldDeadlock.to_string(), "would wait for the calling thread"),
        (WaitError::TimedOut.to_string(), "timed out"),
        (QuiesceError::Pinned.to_string(), "would wait for the calling thread"),
        (QuiesceError::InsideDrop.to_string(), "from a value's `Drop`"),
        (QuiesceError::ThreadEnding.to_string(), "locals"),
        (QuiesceError::TimedOut { reader: None }.to_string(), "timed out: another thread"),
    ] {
        assert!(text.contains(words), "{text:?} without {words:?}");
    }
}

#[test]
fn every_error_but_null_has_its_integer() {
    let raw = 0xAB;
    assert_eq!(HandleError::Null.raw(), None);
    for error in [
        HandleError::Unknown { raw },
        HandleError::Deleted { raw },
        HandleError::WrongType { raw, expected: "", found: "" },
        HandleError::Busy { raw },
        HandleError::NotYet { raw },
    ] {
        assert_eq!(error.raw(), Some(raw), "{error}");
    }
}

#[test]
fn a_failed_insert_has_a_code_if_the_table_is_full() {
    let full = FullError::new(7);
    assert_eq!(InsertError::<_, Error>::Full(full).code(), Some(full.code()));
    assert_eq!(InsertError::<u8, _>::Failed(Error).code(), None);
    assert_eq!(full.map(|value| value + 1).into_inner(), 8);
}
