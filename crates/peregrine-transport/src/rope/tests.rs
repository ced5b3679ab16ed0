//! Tests of ropes: what is shared, what is copied, and that no bytes get lost.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn large(byte: u8) -> Bytes {
    Bytes::from(vec![byte; MERGE_BELOW])
}

fn whole(rope: &Rope) -> Vec<u8> {
    let mut bytes = Vec::new();
    rope.parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes.extend_from_slice(&rope.tail);
    bytes
}

#[test]
fn large_parts_and_lonely_small_ones_are_shared() {
    let parts = [large(1), Bytes::from(vec![2; 10]), large(3), Bytes::from(vec![4; MERGE_BELOW - 1])];
    let rope: Rope = parts.iter().cloned().collect();
    assert_eq!(rope.merged_bytes(), 0);
    assert_eq!(rope.parts(), 4);
    for (part, kept) in parts.iter().zip(&rope.parts) {
        assert_eq!(part.as_ptr(), kept.as_ptr());
    }
}

#[test]
fn small_neighbours_are_copied_together() {
    let mut rope = Rope::from(large(0));
    for byte in 0..100 {
        rope.push(Bytes::from(vec![byte; 100]));
    }
    assert_eq!(rope.parts(), 2);
    assert_eq!(rope.merged_bytes(), 100 * 100);
    rope.push(large(1));
    assert_eq!(rope.parts(), 3);
    assert_eq!(rope.len(), 2 * MERGE_BELOW + 100 * 100);
}

#[test]
fn a_run_of_small_parts_does_not_grow_without_bounds() {
    let mut rope = Rope::new();
    for _ in 0..1000 {
        rope.push(Bytes::from(vec![7; 1000]));
    }
    assert!(rope.parts.iter().all(|part| part.len() < MERGED_RUN + 1000));
    assert_eq!(rope.parts(), 1_000_000 / MERGED_RUN + 1);
}

#[test]
fn splitting_shares_the_memory() {
    let part = large(1);
    let mut rear = Rope::from(part.clone());
    let front = rear.split_to(100);
    assert_eq!(front.chunk().as_ptr(), part.as_ptr());
    assert_eq!(rear.chunk().as_ptr(), part[100..].as_ptr());
    assert_eq!((front.len(), rear.len()), (100, MERGE_BELOW - 100));
}

#[test]
fn copy_to_bytes_shares_where_one_part_has_it_all() {
    let part = large(1);
    let mut rope = Rope::from(part.clone());
    rope.push(large(2));
    assert_eq!(rope.copy_to_bytes(100).as_ptr(), part.as_ptr());
    let crossing = rope.copy_to_bytes(MERGE_BELOW);
    assert_eq!(crossing[..MERGE_BELOW - 100], part[100..]);
    assert_eq!(crossing[MERGE_BELOW - 100..], large(2)[..100]);
    assert_eq!(rope.copy_to_bytes(0), Bytes::new());
}

#[test]
#[should_panic(expected = "cannot advance 2 bytes in a rope of 1")]
fn advancing_too_far_panics() {
    Rope::from(Bytes::from_static(b"x")).advance(2);
}

/// Parts of all sorts of sizes around the thresholds.
fn parts() -> impl Strategy<Value = Vec<Bytes>> {
    let length = prop_oneof![0..10_usize, 100..2000_usize, MERGE_BELOW - 2..MERGE_BELOW + 2, 20_000..40_000_usize];
    let part =
        (length, any::<u8>()).prop_map(|(length, byte)| (0..length).map(|at| byte.wrapping_add(at as u8)).collect());
    vec(part, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn reading_gives_the_bytes_in_their_order(parts in parts(), steps in vec(1..50_000_usize, 1..30)) {
        let expected = parts.concat();
        let mut rope: Rope = parts.into_iter().collect();
        prop_assert_eq!(rope.len(), expected.len());
        let mut read = Vec::new();
        for step in steps.iter().cycle() {
            if !rope.has_remaining() {
                break;
            }
            prop_assert!(!rope.chunk().is_empty());
            let mut slices = [IoSlice::new(&[]); 4];
            let count = rope.chunks_vectored(&mut slices);
            prop_assert_eq!(count, rope.parts().min(4));
            let mut vectored: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.to_vec()).collect();
            vectored.truncate(*step);
            read.extend_from_slice(&vectored);
            rope.advance(vectored.len());
        }
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn splitting_anywhere_loses_nothing(parts in parts(), at in 0.0..=1.0_f64, pushed in parts_of_two()) {
        let mut expected = parts.concat();
        let mut rope: Rope = parts.into_iter().collect();
        let at = (expected.len() as f64 * at) as usize;
        let mut front = rope.split_to(at);
        prop_assert_eq!(whole(&front), &expected[..at]);
        prop_assert_eq!(whole(&rope), &expected[at..]);
        prop_assert_eq!((front.len(), rope.len()), (at, expected.len() - at));
        // Both halves can be added to, and put together again.
        front.append(rope);
        for part in pushed {
            expected.extend_from_slice(&part);
            front.push(part);
        }
        prop_assert_eq!(whole(&front), &expected[..]);
        prop_assert_eq!(front.copy_to_bytes(expected.len()), expected);
        prop_assert!(front.is_empty());
    }
}

fn parts_of_two() -> impl Strategy<Value = Vec<Bytes>> {
    vec((0..6000_usize).prop_map(|length| Bytes::from(vec![9; length])), 2)
}
