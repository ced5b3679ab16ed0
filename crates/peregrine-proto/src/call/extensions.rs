//! `Extensions`: values of any type that travel with a call.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Values that belong to a call, at most one of each type: what authentication or a middleware found out, for those that
/// come after it.
///
/// ```
/// use peregrine_proto::Extensions;
///
/// #[derive(Debug, Clone, PartialEq)]
/// struct Tenant(&'static str);
///
/// let extensions = Extensions::default();
/// extensions.insert(Tenant("north"));
/// assert_eq!(extensions.get::<Tenant>(), Some(Tenant("north")));
/// assert_eq!(extensions.get::<String>(), None);
/// ```
#[derive(Default)]
pub struct Extensions {
    values: Mutex<Vec<Value>>,
}

type Value = (TypeId, Arc<dyn Any + Send + Sync>);

impl Extensions {
    /// Sets the value of a type, in place of the one before.
    pub fn insert<T: Send + Sync + 'static>(&self, value: T) {
        let value: Arc<dyn Any + Send + Sync> = Arc::new(value);
        let mut values = self.lock();
        let replaced = match values.iter_mut().find(|(id, _)| *id == TypeId::of::<T>()) {
            Some((_, held)) => Some(std::mem::replace(held, value)),
            None => {
                values.push((TypeId::of::<T>(), value));
                None
            }
        };
        // Dropping a value runs foreign code, which may come back here.
        drop(values);
        drop(replaced);
    }

    /// A clone of the value of a type; `None` if there is none. Share what is costly to clone in an
    /// [`Arc`](std::sync::Arc).
    pub fn get<T: Clone + 'static>(&self) -> Option<T> {
        let value = self.lock().iter().find(|(id, _)| *id == TypeId::of::<T>()).map(|(_, value)| Arc::clone(value));
        value?.downcast_ref().cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Value>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extensions").field("count", &self.lock().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_one_value_and_the_last_counts() {
        let extensions = Extensions::default();
        extensions.insert(1_u32);
        extensions.insert("text".to_owned());
        extensions.insert(2_u32);
        assert_eq!((extensions.get::<u32>(), extensions.get::<u64>()), (Some(2), None));
        assert_eq!(extensions.get::<String>().as_deref(), Some("text"));
    }
}
