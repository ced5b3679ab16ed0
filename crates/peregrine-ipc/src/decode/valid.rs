//! Whether values keep the rules of their types: what arrow's full validation asks, no more and no less, but of whole
//! buffers where it asks of each value. Most loops have no early exit, so that the compiler makes vector code of them.

use arrow_array::types::ArrowDictionaryKeyType;
use arrow_array::{Array, ArrowNativeTypeOp, OffsetSizeTrait, PrimitiveArray};
use arrow_buffer::{ArrowNativeType, Buffer};
use arrow_data::{ByteView, MAX_INLINE_VIEW_LEN};
use simdutf8::basic::from_utf8;

/// How many keys are looked at together: where one is out of range, they are looked at one by one.
const KEYS: usize = 1024;

/// The bits that no byte of ASCII has, in the twelve bytes that a view holds inline.
const NOT_ASCII: u128 =
    u128::from_le_bytes([0, 0, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80]);

/// Whether offsets begin at zero or more, never fall, and end at `end` or before.
pub(super) fn rise_to<O: OffsetSizeTrait>(offsets: &[O], end: usize) -> bool {
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else { return false };
    let rising = offsets.iter().zip(&offsets[1..]).fold(true, |rising, (one, next)| rising & (one <= next));
    rising && *first >= O::default() && last.as_usize() <= end
}

/// Whether each value between two offsets is UTF-8. The offsets [rise](rise_to) within the bytes.
pub(super) fn are_texts<O: OffsetSizeTrait>(offsets: &[O], bytes: &[u8]) -> bool {
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else { return false };
    let first = first.as_usize();
    let Some(bytes) = bytes.get(first..last.as_usize()) else { return false };
    if bytes.is_ascii() {
        // It can be cut anywhere.
        return true;
    }
    let cut_well = |text: &str| offsets.iter().fold(true, |well, o| well & text.is_char_boundary(o.as_usize() - first));
    from_utf8(bytes).is_ok_and(cut_well)
}

/// Whether each key that is not null is one of so many values'. Behind nulls there may be anything.
pub(super) fn are_keys<K: ArrowDictionaryKeyType>(keys: &PrimitiveArray<K>, values: usize) -> bool {
    let is_key = |key: K::Native| !key.is_lt(K::Native::ZERO) && key.as_usize() < values;
    let all_are_keys = |keys: &[K::Native]| {
        let ends = (K::Native::MAX_TOTAL_ORDER, K::Native::MIN_TOTAL_ORDER);
        let least = |a: K::Native, b: K::Native| if b.is_lt(a) { b } else { a };
        let most = |a: K::Native, b: K::Native| if a.is_lt(b) { b } else { a };
        let (min, max) = keys.iter().fold(ends, |(min, max), &key| (least(min, key), most(max, key)));
        is_key(min) && is_key(max)
    };
    let valid_are_keys = |start: usize, chunk: &[K::Native]| {
        let mut nulls = keys.nulls().into_iter();
        nulls.any(|nulls| (start..).zip(chunk).all(|(index, &key)| is_key(key) || nulls.is_null(index)))
    };
    let mut chunks = keys.values().chunks(KEYS).enumerate();
    chunks.all(|(number, chunk)| all_are_keys(chunk) || valid_are_keys(number * KEYS, chunk))
}

/// Whether each view is of UTF-8 that one of the buffers has, and begins as it says. With `whole` the buffers are looked
/// at as a whole, which takes less time where most of their bytes are looked at in any case.
pub(super) fn are_text_views(views: &[u128], buffers: &[Buffer], whole: bool) -> bool {
    let texts: Vec<Option<&str>> =
        buffers.iter().map(|buffer| if whole { from_utf8(buffer).ok() } else { None }).collect();
    views.iter().all(|&view| {
        if view as u32 <= MAX_INLINE_VIEW_LEN {
            return is_inline_text(view);
        }
        let view = ByteView::from(view);
        let (start, buffer) = (view.offset as usize, view.buffer_index as usize);
        let range = start..start + view.length as usize;
        let bytes = match texts.get(buffer) {
            Some(Some(text)) => text.get(range).map(str::as_bytes),
            _ => buffers.get(buffer).and_then(|bytes| bytes.get(range)).filter(|bytes| from_utf8(bytes).is_ok()),
        };
        bytes.is_some_and(|bytes| bytes.starts_with(&view.prefix.to_le_bytes()))
    })
}

/// Whether a view holds as many bytes of UTF-8 as it says, and zeros behind them.
fn is_inline_text(view: u128) -> bool {
    let end = size_of::<u32>() + view as u32 as usize;
    let padding = view.checked_shr(8 * end as u32).unwrap_or_default();
    padding == 0 && (view & NOT_ASCII == 0 || from_utf8(&view.to_le_bytes()[size_of::<u32>()..end]).is_ok())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::{Int8Type, Int32Type, UInt8Type, UInt64Type};
    use arrow_array::{ArrayRef, DictionaryArray, Int32Array, StringArray, StringViewArray};
    use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};

    use super::*;

    /// Characters of each length, and more than a vector has on both sides of them.
    const TEXT: &str = "plain text that is longer than the widest vectors, which are of 64 bytes; \
                        then a £ € 😀 and ß and, once more, text that is longer than the widest vectors are";

    /// Each change of a byte to another that means something in UTF-8.
    fn changes(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
        (0..bytes.len()).flat_map(move |place| {
            [0x00, 0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xc3, 0xe2, 0xed, 0xf0, 0xf4, 0xff].map(|byte| {
                let mut changed = bytes.to_vec();
                changed[place] = byte;
                (place, changed)
            })
        })
    }

    #[test]
    fn offsets_rise_from_zero_or_more_to_the_end_or_less() {
        assert!(rise_to(&[0], 0) && rise_to(&[3, 3], 3) && rise_to(&[0, 1, 1, 5], 9));
        assert!(!rise_to::<i32>(&[], 9) && !rise_to(&[-1, 1], 9) && !rise_to(&[0, 10], 9) && !rise_to(&[10], 9));
        let rising: Vec<i64> = (0..1000).collect();
        for place in 1..999 {
            for wrong in [i64::MIN, -1, place as i64 - 2, place as i64 + 2, 1000, i64::MAX] {
                let mut offsets = rising.clone();
                offsets[place] = wrong;
                assert!(!rise_to(&offsets, 999), "{wrong} at {place}");
            }
        }
        assert!(rise_to(&rising, 999) && !rise_to(&rising, 998));
    }

    #[test]
    fn texts_are_what_arrow_takes_for_texts() {
        let (mut taken, mut refused) = (0, 0);
        for (place, bytes) in changes(TEXT.as_bytes()) {
            for cut in place.saturating_sub(3).max(1)..(place + 4).min(bytes.len()) {
                let offsets = [1, 1, cut as i32, bytes.len() as i32 - 1].map(|o| o.max(1).min(bytes.len() as i32 - 1));
                let arrow = OffsetBuffer::new(offsets.to_vec().into());
                let arrow = StringArray::try_new(arrow, Buffer::from_slice_ref(&bytes), None).is_ok();
                assert_eq!(are_texts(&offsets, &bytes), arrow, "{bytes:?} cut at {cut}");
                *if arrow { &mut taken } else { &mut refused } += 1;
            }
        }
        assert!(taken > 1000 && refused > 1000, "{taken} taken, {refused} refused");
        // What lies before the first and behind the last offset is nobody's.
        assert!(are_texts(&[1, 2], b"\xffa\xff") && !are_texts(&[0, 2], b"\xffa\xff"));
    }

    fn check_keys<K: ArrowDictionaryKeyType>(values: usize, wrong: &[K::Native]) {
        let array: ArrayRef = Arc::new(Int32Array::from_iter_values(0..values as i32));
        let right: Vec<K::Native> = (0..2 * KEYS + 5).map(|n| K::Native::usize_as(n % values)).collect();
        for place in [0, 1, KEYS - 1, KEYS, 2 * KEYS + 4] {
            for &key in wrong {
                let mut keys = right.clone();
                keys[place] = key;
                let keys = ScalarBuffer::from(keys);
                let nulls = |null: usize| NullBuffer::from_iter((0..keys.len()).map(|index| index != null));
                for (nulls, valid) in [(None, false), (Some(nulls(place)), true), (Some(nulls(place ^ 2)), false)] {
                    let keys = PrimitiveArray::<K>::new(keys.clone(), nulls);
                    assert_eq!(are_keys(&keys, values), valid, "{key:?} at {place}");
                    assert_eq!(DictionaryArray::try_new(keys, array.clone()).is_ok(), valid, "{key:?} at {place}");
                }
            }
        }
        assert!(are_keys(&PrimitiveArray::<K>::new(right.into(), None), values));
    }

    #[test]
    fn keys_are_those_of_values_or_null() {
        check_keys::<Int8Type>(100, &[-1, i8::MIN, 100, i8::MAX]);
        check_keys::<UInt8Type>(200, &[200, u8::MAX]);
        check_keys::<Int32Type>(1000, &[-1, i32::MIN, 1000, i32::MAX]);
        check_keys::<UInt64Type>(1, &[1, 1 << 32, 1 << 63, u64::MAX]);
        let none =
            |nulls: usize| PrimitiveArray::<Int32Type>::new(vec![7; nulls].into(), Some(NullBuffer::new_null(nulls)));
        assert!(are_keys(&none(0), 0) && are_keys(&none(3), 0));
        assert!(!are_keys(&PrimitiveArray::<Int32Type>::new(vec![0].into(), None), 0));
    }

    #[test]
    fn text_views_are_what_arrow_takes_for_them() {
        let words = ["", "short", "twelve bytes", "ß", "thirteen byte", "long 😀 and not ASCII", "fünf €", TEXT];
        let array = StringViewArray::from_iter_values(words);
        let (views, buffers, _) = array.into_parts();
        let bytes: Vec<u8> = views.iter().flat_map(|view| view.to_le_bytes()).collect();
        let (mut taken, mut refused) = (0, 0);
        let mut check = |views: &[u128], buffers: &[Buffer]| {
            let arrow = StringViewArray::try_new(views.to_vec().into(), buffers.to_vec(), None).is_ok();
            assert_eq!([true, false].map(|whole| are_text_views(views, buffers, whole)), [arrow; 2], "{views:x?}");
            *if arrow { &mut taken } else { &mut refused } += 1;
        };
        for (_, bytes) in changes(&bytes) {
            let views: Vec<u128> = bytes.as_chunks().0.iter().map(|&view| u128::from_le_bytes(view)).collect();
            check(&views, &buffers);
        }
        for (_, bytes) in changes(&buffers[0]) {
            check(&views, &[bytes.into()]);
            // Not all of the bytes are viewed.
        }
        let mut unused = buffers[0].to_vec();
        unused.push(0xff);
        check(&views, &[unused.into()]);
        assert!(taken > 100 && refused > 1000, "{taken} taken, {refused} refused");
    }
}
