//! Receipts of writes that this process is carrying out: a second one under the same key is told so
//! at once. Not what keeps effects single: that is the receipt in the transaction.

use crate::Error;
use carnet_kernel::{Id, TenantKey};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// The keys of writes under way.
#[derive(Debug, Default)]
pub(crate) struct UnderWay {
    keys: Mutex<HashSet<(TenantKey, Id)>>,
}

/// Keeps a key as under way until it is dropped.
#[derive(Debug)]
pub(crate) struct Entered<'a> {
    all: &'a UnderWay,
    key: (TenantKey, Id),
}

impl UnderWay {
    /// Errors: `UnderWay` while somebody else is in.
    pub(crate) fn enter(&self, tenant: TenantKey, key: Id) -> Result<Entered<'_>, Error> {
        let key = (tenant, key);
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if !keys.insert(key) {
            return Err(Error::UnderWay);
        }
        drop(keys);
        Ok(Entered { all: self, key })
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let mut keys = self.all.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let all = UnderWay::default();
        let key = Id::from_u128(1);
        let first = all.enter(TenantKey::DEFAULT, key).unwrap();
        assert!(matches!(
            all.enter(TenantKey::DEFAULT, key),
            Err(Error::UnderWay)
        ));
        assert!(all.enter(TenantKey::PLATFORM, key).is_ok());
        drop(first);
        assert!(all.enter(TenantKey::DEFAULT, key).is_ok());
    }
}
