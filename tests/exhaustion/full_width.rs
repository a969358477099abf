//! Slots that run out of generations at the widths of a 32-bit target.

use handle_table::{Handle, HandleTable};

use crate::{common::on_new_thread, serial::serial};

/// The handles that a table has issued: one bit for each.
struct Issued(Vec<u32>);

impl Issued {
    fn new() -> Self {
        Self(vec![0; 1 << 25])
    }

    #[track_caller]
    fn add(&mut self, handle: Handle<usize>) {
        let bits = handle.to_raw() & ((1 << 30) - 1);
        let (word, bit) = (&mut self.0[bits / 32], 1 << (bits % 32));
        assert_eq!(*word & bit, 0, "{handle:?} was issued before");
        *word |= bit;
    }
}

/// One thread uses slots up, and keeps too many of them. They go to another thread, with those that
/// are out of generations among them.
#[test]
fn slots_that_are_out_of_generations_are_not_issued_by_another_thread() {
    let _serial = serial();
    let table = HandleTable::builder().shards(2).build();
    let mut issued = Issued::new();
    // This thread owns one shard, and the others share one, which is full.
    let first = table.insert(0);
    issued.add(first);
    let of_a_shard = table.stats().remaining as usize / 1_023 / 2;
    on_new_thread(|| (0..of_a_shard).for_each(|n| issued.add(table.insert(n))));
    for round in 0..1_700 {
        let handles: Vec<_> = (0..4_000).map(|n| table.insert(n)).collect();
        for handle in handles {
            issued.add(handle);
            table.remove(handle).unwrap();
        }
        if round >= 1_300 && round % 4 == 0 {
            on_new_thread(|| {
                let handles: Vec<_> = (0..300).map(|n| table.insert(n)).collect();
                for handle in handles {
                    issued.add(handle);
                    table.remove(handle).unwrap();
                }
            });
        }
    }
    let stats = table.stats();
    assert!(stats.exhausted > 1_000, "{stats}");
}
