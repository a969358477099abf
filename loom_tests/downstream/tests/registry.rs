//! The registry without loom.
#![cfg(not(loom))]

use downstream::Registry;

#[test]
fn a_callback_fires_until_it_is_unregistered() {
    let registry = Registry::new();
    let user_data = registry.register(7);
    assert_eq!(registry.fire(user_data, |number| *number), Ok(7));
    assert_eq!(registry.unregister(user_data), Ok(1));
    assert!(registry.fire(user_data, |number| *number).is_err());
    assert!(registry.unregister(user_data).is_err());
}
