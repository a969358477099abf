//! Values of all kinds: with cells, boxed closures, large, aligned, of no size.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::pin,
    sync::{mpsc, Arc},
    task::{Context, Poll, Wake, Waker},
    thread,
};

use handle_table::OnceTable;

use crate::{assert_empty, kinds};

#[test]
fn values_that_are_not_sync_go_from_thread_to_thread() {
    struct Cells {
        cell: Cell<u32>,
        list: RefCell<Vec<u32>>,
        receiver: mpsc::Receiver<u32>,
    }
    static TABLE: OnceTable<Cells> = OnceTable::new();

    let (sender, receiver) = mpsc::channel();
    let cells = Cells { cell: Cell::new(1), list: RefCell::new(vec![2]), receiver };
    cells.cell.set(cells.cell.get() + 1);
    let handle = TABLE.insert(cells);
    sender.send(7).unwrap();
    let there = thread::spawn(move || {
        let cells = TABLE.take(handle).unwrap();
        cells.list.borrow_mut().push(3);
        (cells.cell.get(), cells.list.into_inner(), cells.receiver.recv())
    });
    assert_eq!(there.join().unwrap(), (2, vec![2, 3], Ok(7)));
    assert!(sender.send(8).is_err(), "the receiver is gone with its value");
}

#[test]
fn boxed_closures_are_called_once() {
    for table in kinds::<Box<dyn FnOnce(usize) -> usize + Send>>() {
        let owned = Arc::new(());
        let handles: Vec<_> = (0..100)
            .map(|number| {
                let owned = Arc::clone(&owned);
                table.insert(Box::new(move |more| {
                    drop(owned); // What is moved out can be used up.
                    number + more
                }))
            })
            .collect();
        assert_eq!(Arc::strong_count(&owned), 101);
        for (number, handle) in handles.iter().enumerate() {
            assert_eq!(table.take(*handle).map(|f| f(1)), Ok(number + 1));
            assert!(table.take(*handle).is_err());
        }
        assert_eq!(Arc::strong_count(&owned), 1);
        assert_empty(&table);
    }
}

#[test]
fn a_waker_is_woken_by_its_handle() {
    struct Woken(mpsc::Sender<()>);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.send(()).unwrap();
        }
    }
    static WAKERS: OnceTable<Waker> = OnceTable::new();

    let (sender, woken) = mpsc::channel();
    let waker = Waker::from(Arc::new(Woken(sender)));
    let mut polls = 0;
    let mut future = pin!(std::future::poll_fn(|context| {
        polls += 1;
        if polls == 2 {
            return Poll::Ready(7);
        }
        let handle = WAKERS.insert(context.waker().clone());
        thread::spawn(move || WAKERS.take(handle).unwrap().wake());
        Poll::Pending
    }));
    let mut context = Context::from_waker(&waker);
    assert_eq!(future.as_mut().poll(&mut context), Poll::Pending);
    woken.recv().unwrap();
    assert_eq!(future.as_mut().poll(&mut context), Poll::Ready(7));
    assert!(WAKERS.is_empty());
}

/// Inserts, and takes on this thread and on another, in turn.
fn round_trip<T: Send + Sync + Clone + PartialEq + std::fmt::Debug + 'static>(values: &[T]) {
    for table in kinds() {
        let handles: Vec<_> = values.iter().map(|value| table.insert(value.clone())).collect();
        let (here, there): (Vec<_>, Vec<_>) =
            handles.into_iter().zip(values).enumerate().partition(|(nth, _)| nth % 2 == 0);
        thread::scope(|scope| {
            scope.spawn(|| {
                for (_, (handle, value)) in there {
                    assert_eq!(table.take(handle).as_ref(), Ok(value));
                }
            });
            for (_, (handle, value)) in here {
                assert_eq!(table.take(handle).as_ref(), Ok(value));
            }
        });
        // And in the slots that are free again.
        for value in values {
            let handle = table.insert(value.clone());
            assert_eq!(table.take(handle).as_ref(), Ok(value));
        }
        assert_empty(&table);
    }
}

#[test]
fn values_of_each_size_come_back_as_they_were() {
    fn bytes<const N: usize>() -> Vec<[u8; N]> {
        (0..100).map(|nth| std::array::from_fn(|at| (nth * 31 + at) as u8)).collect()
    }
    round_trip(&bytes::<1>());
    round_trip(&bytes::<7>());
    round_trip(&bytes::<63>());
    round_trip(&bytes::<64>());
    round_trip(&bytes::<65>()); // in a box from here on
    round_trip(&bytes::<4096>());
    round_trip(&(0..100).map(|nth| vec![nth; nth]).collect::<Vec<_>>());
}

#[test]
fn aligned_values_lie_and_come_back_aligned() {
    #[derive(Clone, PartialEq, Debug)]
    #[repr(align(64))]
    struct Line(u8);
    #[derive(Clone, PartialEq, Debug)]
    #[repr(align(4096))]
    struct Page(u8);

    round_trip(&(0..100).map(Line).collect::<Vec<_>>());
    round_trip(&(0..100).map(Page).collect::<Vec<_>>());
    round_trip(&(0..100).map(|nth| u128::MAX - nth).collect::<Vec<_>>());
}

#[test]
fn values_of_no_size_have_handles_of_their_own() {
    round_trip(&[(); 100]);
    round_trip(&[[0_u64; 0]; 100]);
    for table in kinds() {
        let (one, two) = (table.insert(()), table.insert(()));
        assert_ne!(one, two);
        assert_eq!(table.take(one), Ok(()));
        assert!(table.take(one).is_err() && table.contains(two));
    }
}

#[test]
fn the_memory_of_a_large_value_goes_with_it() {
    let table = OnceTable::new();
    let fill = || [(); 16].map(|()| table.insert([7_u8; 1000]));
    fill().into_iter().for_each(|handle| table.remove(handle).unwrap());
    let before = table.stats().bytes;
    let handles = fill();
    assert_eq!(table.stats().bytes, before + 16 * 1000);
    for (nth, handle) in handles.into_iter().enumerate() {
        if nth % 2 == 0 {
            assert_eq!(table.take(handle), Ok([7; 1000]));
        } else {
            table.remove(handle).unwrap();
        }
    }
    assert_eq!(table.stats().bytes, before);
}
