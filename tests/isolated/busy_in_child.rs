//! A forked child finds values busy that another thread of its parent was changing: it must not get
//! at what that thread has left half changed. Alone in its process, which forks.
#![cfg(all(target_os = "linux", not(loom)))]
#![allow(unsafe_code)]

#[path = "../common/child.rs"]
mod child;

use std::{sync::mpsc, thread};

use handle_table::{Exclusive, HandleError, HandleTable};

use child::in_child;

static TABLE: HandleTable<Exclusive<String>> = HandleTable::new();

#[test]
fn what_another_thread_of_the_parent_was_changing_stays_busy_in_the_child() {
    let [theirs, mine, free] = [0; 3].map(|_| TABLE.insert(Exclusive::new(String::from("text"))));
    let (begin, begun) = mpsc::channel();
    let (end, ended) = mpsc::channel::<()>();
    let other = thread::spawn(move || {
        let mut value = TABLE.get_mut(theirs).unwrap();
        value.clear();
        begin.send(()).unwrap();
        ended.recv().unwrap();
        value.push_str("changed");
    });
    begun.recv().unwrap();
    let mut my_value = TABLE.get_mut(mine).unwrap();
    let answer = in_child(|| {
        let busy = HandleError::Busy { raw: theirs.to_raw() };
        let mut right = vec![
            TABLE.get_mut(theirs).is_err_and(|error| error == busy),
            TABLE.get_mut(free).is_ok_and(|value| *value == "text"),
        ];
        my_value.push_str(", mine");
        right.push(*my_value == "text, mine");
        drop(my_value);
        right.extend([
            TABLE.get_mut(mine).is_ok_and(|value| *value == "text, mine"),
            TABLE.remove_now(theirs) == Ok(true),
            TABLE.remove_now(mine) == Ok(true),
        ]);
        right.iter().position(|right| !right).map_or(0, |nth| nth as u8 + 1)
    });
    assert_eq!(answer, Some(0), "the number of the first step that went wrong");

    // The parent goes on.
    end.send(()).unwrap();
    other.join().unwrap();
    assert_eq!(*TABLE.get_mut(theirs).unwrap(), "changed");
    assert_eq!(*TABLE.get_mut(free).unwrap(), "text");
}
