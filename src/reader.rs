//! [`Reader`]: a thread that holds a value or a pin, for people.

use std::{fmt, time::Duration};

/// How many bytes of a thread's name are kept.
pub(crate) const NAME_BYTES: usize = 32;

/// A thread that holds a [`Ref`](crate::Ref) or [`Pinned`](crate::Pinned), as told by
/// [`readers`](crate::readers) and by the errors of waits with a timeout.
///
/// # Example
///
/// ```
/// use handle_table::{readers, HandleTable};
///
/// let table = HandleTable::<String>::new();
/// let pinned = table.pin();
/// for reader in readers() {
///     println!("in the way: {reader}"); // in the way: thread `main` (4711), for at least 0ns
/// }
/// drop(pinned);
/// assert_eq!(readers(), []);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reader {
    name: [u8; NAME_BYTES],
    id: u64,
    held: Duration,
}

impl Reader {
    pub(crate) fn new(name: [u8; NAME_BYTES], id: u64, held: Duration) -> Self {
        Self { name, id, held }
    }

    /// The thread's name when it first used a table, as debuggers and `top` show it, but `main` for
    /// the process's first thread. Up to 32 bytes of it, and up to 15 on Linux and Android. A
    /// thread without a name of its own has that of the thread that made it there. `None` for a
    /// thread without any, on other unix systems than these and Apple's, and for readers without a
    /// record, which are told as one reader.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{readers, HandleTable};
    ///
    /// let table = HandleTable::<String>::new();
    /// std::thread::Builder::new().name("worker".into()).spawn(move || {
    ///     let _pinned = table.pin();
    ///     assert_eq!(readers()[0].name(), Some("worker"));
    /// })?.join().unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        let len = self.name.iter().position(|byte| *byte == 0).unwrap_or(NAME_BYTES);
        let name = self.name.get(..len)?;
        let name = match std::str::from_utf8(name) {
            Ok(name) => name,
            // Cut off in the middle of a character.
            Err(error) => std::str::from_utf8(name.get(..error.valid_up_to())?).ok()?,
        };
        (!name.is_empty()).then_some(name)
    }

    /// The thread's number, as debuggers and `top` show it. `None` on systems other than Linux,
    /// Android, OpenBSD and Windows, and for readers without a record.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{readers, HandleTable};
    ///
    /// let table = HandleTable::<String>::new();
    /// let _pinned = table.pin();
    /// if cfg!(target_os = "linux") {
    ///     // This is the main thread, whose number is that of the process.
    ///     assert_eq!(readers()[0].id(), Some(std::process::id().into()));
    /// }
    /// ```
    #[must_use]
    pub fn id(&self) -> Option<u64> {
        (self.id != 0).then_some(self.id)
    }

    /// For how long the thread has held its oldest `Ref` or `Pinned`, at least: counted from the
    /// first moment at which that was in the way of a drop, or was told by
    /// [`readers`](crate::readers) or [`stats`](crate::HandleTable::stats). A pin itself looks at
    /// no clock. Zero for readers without a record. On 32-bit targets it is told in milliseconds,
    /// for up to 24 days.
    ///
    /// # Example
    ///
    /// ```
    /// use handle_table::{readers, HandleTable};
    /// use std::{thread::sleep, time::Duration};
    ///
    /// let table = HandleTable::new();
    /// let handle = table.insert(String::from("value"));
    /// let value = table.get(handle)?;
    /// table.remove(handle)?; // `value` is in the way
    /// sleep(Duration::from_millis(2));
    /// assert!(readers()[0].held_for() >= Duration::from_millis(1));
    /// # drop(value);
    /// # Ok::<(), handle_table::HandleError>(())
    /// ```
    #[must_use]
    pub fn held_for(&self) -> Duration {
        self.held
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("name", &self.name())
            .field("id", &self.id())
            .field("held_for", &self.held)
            .finish()
    }
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name(), self.id()) {
            (Some(name), Some(id)) => write!(f, "thread `{name}` ({id})")?,
            (Some(name), None) => write!(f, "thread `{name}`")?,
            (None, Some(id)) => write!(f, "thread {id}")?,
            (None, None) => f.write_str("a thread without a record")?,
        }
        write!(f, ", for at least {:?}", self.held)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn reader(text: &str, id: u64) -> Reader {
        let mut name = [0; NAME_BYTES];
        let len = text.len().min(NAME_BYTES);
        name[..len].copy_from_slice(&text.as_bytes()[..len]);
        Reader::new(name, id, Duration::from_millis(7))
    }

    #[test]
    fn a_name_is_cut_off_between_characters() {
        assert_eq!(reader("worker", 3).name(), Some("worker"));
        let long = "é".repeat(15) + "x€";
        assert_eq!(reader(&long, 3).name(), Some(&long[..31]));
        assert_eq!(reader("", 3).name(), None);
    }

    #[test]
    fn a_reader_is_shown_with_what_is_known_of_it() {
        assert_eq!(reader("worker", 3).to_string(), "thread `worker` (3), for at least 7ms");
        assert_eq!(reader("", 3).to_string(), "thread 3, for at least 7ms");
        assert_eq!(reader("", 0).to_string(), "a thread without a record, for at least 7ms");
        let shown = "Reader { name: Some(\"worker\"), id: Some(3), held_for: 7ms }";
        assert_eq!(format!("{:?}", reader("worker", 3)), shown);
    }
}
