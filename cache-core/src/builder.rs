//! The settings of a cache, checked before there is one.

use std::fmt;
use std::num::NonZeroU64;

use cache_ttl::{IntoTtl, InvalidTtl, Ttl};

use crate::{Cache, Codec, Error, ErrorKind, Lifetime, Store};

/// Builds a [`Cache`] with settings of its own: see [`Cache::builder`].
#[must_use = "a builder does nothing until `build`"]
pub struct CacheBuilder {
    store: Box<dyn Store>,
    default_ttl: Result<Ttl, InvalidTtl>,
    max_value_bytes: usize,
    codec: Codec,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// What [`Ttl::DEFAULT`] stands for.
    pub(crate) lifetime: Lifetime,
    pub(crate) max_value_bytes: usize,
    pub(crate) codec: Codec,
}

const HOUR_MILLIS: NonZeroU64 = NonZeroU64::new(60 * 60 * 1_000).unwrap();

impl Default for Settings {
    fn default() -> Self {
        Self {
            lifetime: Lifetime::Millis(HOUR_MILLIS),
            max_value_bytes: 16 * 1024 * 1024,
            codec: Codec::default(),
        }
    }
}

impl CacheBuilder {
    pub(crate) fn new(store: Box<dyn Store>) -> Self {
        let Settings { max_value_bytes, codec, .. } = Settings::default();
        Self { store, default_ttl: Ok(Ttl::DEFAULT), max_value_bytes, codec }
    }

    /// What [`Ttl::DEFAULT`] stands for, and how long a counter lives that `increment` creates. One
    /// hour unless said; may be [`Ttl::FOREVER`].
    pub fn default_ttl(mut self, ttl: impl IntoTtl) -> Self {
        self.default_ttl = ttl.into_ttl();
        self
    }

    /// The most bytes that an encoded value may have; a larger one is
    /// [`TooLarge`](ErrorKind::TooLarge). 16 MiB unless said.
    pub fn max_value_bytes(mut self, bytes: usize) -> Self {
        self.max_value_bytes = bytes;
        self
    }

    /// How values are written. [`Codec::Binary`] unless said.
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// The cache; or [`Config`](ErrorKind::Config), if the default lifetime is none, or zero.
    pub fn build(self) -> Result<Cache, Error> {
        let refused = |reason: String| {
            Error::new(ErrorKind::Config, format!("`default_ttl` cannot be used: {reason}"))
        };
        let ttl = self.default_ttl.map_err(|invalid| refused(invalid.to_string()))?;
        let defaults = Settings::default();
        let lifetime = Lifetime::resolve(ttl, defaults.lifetime)
            .ok_or_else(|| refused("with a lifetime of zero nothing would be stored".into()))?;
        let Self { store, max_value_bytes, codec, .. } = self;
        Ok(Cache::with(store, Settings { lifetime, max_value_bytes, codec }))
    }
}

impl fmt::Debug for CacheBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheBuilder")
            .field("driver", &self.store.name())
            .field("default_ttl", &self.default_ttl)
            .field("max_value_bytes", &self.max_value_bytes)
            .field("codec", &self.codec)
            .finish()
    }
}
