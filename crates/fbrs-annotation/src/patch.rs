//! What differs between two states of a document.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use crate::document::{Current, Document, Object, PhotoState};

/// What makes one state of a document the other: every part of it that differs, as it is then.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Patch {
    /// Objects by id; `None` for those that are gone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "shared")]
    objects: BTreeMap<u64, Option<Arc<Object>>>,
    /// All ids, the lowest object first, where they are others or in another order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<Vec<u64>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    current: Option<Option<Current>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<PhotoState>,
}

/// A field that is there, be it null.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Current>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Objects that are shared in memory, each written where it stands.
mod shared {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::document::Object;

    type Objects = BTreeMap<u64, Option<Arc<Object>>>;

    pub(super) fn serialize<S: Serializer>(
        objects: &Objects,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(objects.iter().map(|(id, object)| (id, object.as_deref())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Objects, D::Error> {
        let objects = BTreeMap::<u64, Option<Object>>::deserialize(deserializer)?;
        Ok(objects.into_iter().map(|(id, object)| (id, object.map(Arc::new))).collect())
    }
}

impl Patch {
    /// What makes `old` be `new`.
    pub(crate) fn between(old: &Document, new: &Document) -> Self {
        let by_id = |document: &Document| -> BTreeMap<u64, Arc<Object>> {
            document.objects.iter().map(|object| (object.id, object.clone())).collect()
        };
        let (before, after) = (by_id(old), by_id(new));
        let is_same = |a: &Arc<Object>, b: &Arc<Object>| Arc::ptr_eq(a, b) || a == b;
        let changed = after
            .iter()
            .filter(|(id, object)| before.get(id).is_none_or(|before| !is_same(before, object)));
        let mut objects: BTreeMap<_, _> =
            changed.map(|(id, object)| (*id, Some(object.clone()))).collect();
        objects.extend(before.keys().filter(|id| !after.contains_key(id)).map(|id| (*id, None)));
        let order = |document: &Document| -> Vec<u64> {
            document.objects.iter().map(|object| object.id).collect()
        };
        let (order_before, order_after) = (order(old), order(new));
        Self {
            objects,
            order: (order_before != order_after).then_some(order_after),
            current: (old.current != new.current).then(|| new.current.clone()),
            state: (old.state != new.state).then_some(new.state),
        }
    }

    /// Whether nothing differs.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Makes the change. Whatever the patch says, no object is lost that it does not name.
    pub(crate) fn apply(&self, document: &mut Document) {
        for (id, object) in &self.objects {
            match object {
                Some(object) => {
                    let object = Object { id: *id, ..(**object).clone() };
                    document.put(object);
                }
                None => {
                    document.remove(*id);
                }
            }
        }
        if let Some(order) = &self.order {
            let place: BTreeMap<u64, usize> = order.iter().copied().zip(0..).collect();
            document
                .objects
                .sort_by_key(|object| place.get(&object.id).copied().unwrap_or(usize::MAX));
        }
        if let Some(current) = &self.current {
            document.current.clone_from(current);
        }
        if let Some(state) = self.state {
            document.state = state;
        }
    }
}
