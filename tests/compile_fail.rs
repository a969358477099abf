//! The programs in `ui/` that must not compile, each with a twin that compiles and differs in one
//! thing. (That a table is not `Send` or `Sync` if its values are not is tested in
//! `api/traits.rs`.)
#![cfg(not(loom))]

/// Declares the twins as modules, and lists them with their `main`.
macro_rules! twins {
    ($($name:ident)*) => {
        mod ui {
            $(pub(crate) mod $name;)*
        }
        const TWINS: &[(&str, fn())] = &[$((stringify!($name), ui::$name::main)),*];
    };
}

twins! {
    any_at_table_passes
    borrow_outlives_ref_passes
    borrowed_value_passes
    call_mut_reference_passes
    call_reference_passes
    destroy_callback_unsafe_passes
    global_at_table_passes
    go_verb_on_table_handle_passes
    handle_of_another_type_passes
    insert_cell_passes
    insert_exclusive_passes
    insert_rc_passes
    iterate_repin_passes
    map_reference_passes
    once_borrowed_passes
    once_rc_passes
    other_kind_passes
    process_wide_rc_passes
    ref_mut_of_shorter_life_passes
    ref_mut_outlives_table_passes
    ref_mut_twice_passes
    ref_outlives_table_passes
    repin_passes
    reserved_outlives_table_passes
    send_borrow_passes
    send_pinned_passes
    send_ref_mut_passes
    send_ref_passes
    static_pinned_passes
    static_ref_passes
    table_handle_at_any_passes
    value_outlives_ref_mut_passes
    value_outlives_ref_passes
}

#[test]
fn each_twin_compiles_and_runs() {
    for (name, main) in TWINS {
        println!("{name}");
        main();
    }
}

/// In small builds nothing is different.
#[cfg(not(handle_table_small))]
mod failures {
    use std::{env, fs, process::Command};

    use crate::TWINS;

    /// The compiler that wrote the messages in `ui/*.stderr`. Others may word them differently. To
    /// write them anew: `TRYBUILD=overwrite cargo test --test compile_fail`.
    const MESSAGES_OF: &str = "rustc 1.95.";

    fn compiler() -> String {
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(rustc).arg("--version").output();
        String::from_utf8(output.expect("there is a compiler").stdout)
            .expect("its version is ASCII")
    }

    #[test]
    fn what_must_not_compile_has_a_twin() {
        for entry in fs::read_dir("tests/ui").unwrap() {
            let file = entry.unwrap().file_name().into_string().unwrap();
            if let Some(name) = file.strip_suffix("_fails.rs") {
                let twin = format!("{name}_passes");
                assert!(TWINS.iter().any(|(name, _)| *name == twin), "{twin}");
            }
        }
    }

    /// `HANDLE_TABLE_SKIP_UI` is for builds with a sanitizer, and for other targets.
    #[test]
    fn what_must_not_compile_does_not() {
        if env::var_os("HANDLE_TABLE_SKIP_UI").is_none() && compiler().starts_with(MESSAGES_OF) {
            trybuild::TestCases::new().compile_fail("tests/ui/*_fails.rs");
        }
    }
}
