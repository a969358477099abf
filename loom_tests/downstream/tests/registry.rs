//! The registry without loom.
#![cfg(not(loom))]

use downstream::{Registry, Requests};

#[test]
fn a_callback_fires_until_it_is_unregistered() {
    let registry = Registry::new();
    let user_data = registry.register(7);
    assert_eq!(registry.fire(user_data, |number| *number), Ok(7));
    assert_eq!(registry.unregister(user_data), Ok(1));
    assert!(registry.fire(user_data, |number| *number).is_err());
    assert!(registry.unregister(user_data).is_err());
}

#[test]
fn a_request_is_answered_once() {
    let requests = Requests::new();
    let (send, receive) = std::sync::mpsc::channel();
    let user_data = requests.begin(move |answer| send.send(answer).unwrap());
    assert!(requests.answer(user_data, 7).is_ok());
    assert_eq!(receive.iter().collect::<Vec<_>>(), [7]);
    assert!(requests.answer(user_data, 8).is_err());
    assert!(requests.cancel(user_data).is_err());
}
