//! Where content is cut into chunks: FastCDC (2020) with parameters and gear seed that the datastore pins.
//! Cutting must never change for an existing datastore, or nothing would deduplicate any more.

use std::borrow::Cow;

use fastcdc::v2020::{Normalization, cut_gear, get_gear_with_seed, select_masks};
use serde::{Deserialize, Serialize};

/// The chunker's parameters, pinned in the datastore's configuration. Sizes are bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ChunkerConfig {
    /// Always `fastcdc-2020`.
    pub algorithm: String,
    /// Version of the cutting rules as a whole (gear table, masks, segments, bundles); now 1.
    pub version: u32,
    /// No chunk is smaller, but for the last of a segment.
    pub min: u32,
    /// What chunks tend to.
    pub average: u32,
    /// No chunk is larger.
    pub max: u32,
    /// FastCDC's normalisation level, 0 to 3.
    pub normalization: u8,
    /// XORed into every entry of the gear table; hexadecimal.
    #[serde(with = "hex_seed")]
    pub seed: u64,
    /// A file is cut anew at every multiple of this many bytes of content, so that workers can share it.
    pub segment: u64,
    /// Files of at most this many bytes are put together into bundles and cut as one stream.
    pub bundle_file: u64,
    /// A bundle may end once it has this many bytes.
    pub bundle_min: u64,
    /// A bundle ends at the latest once it has this many bytes.
    pub bundle_max: u64,
}

mod hex_seed {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(seed: &u64, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&format!("{seed:016x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<u64, D::Error> {
        let text = String::deserialize(input)?;
        u64::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}

impl Default for ChunkerConfig {
    fn default() -> Self {
        Self {
            algorithm: "fastcdc-2020".to_owned(),
            version: 1,
            min: 128 << 10,
            average: 512 << 10,
            max: 2 << 20,
            normalization: 1,
            seed: 0,
            segment: 64 << 20,
            bundle_file: 128 << 10,
            bundle_min: 1 << 20,
            bundle_max: 4 << 20,
        }
    }
}

impl ChunkerConfig {
    /// Says what is wrong with the parameters, if anything is.
    pub fn check(&self) -> Result<(), String> {
        let known = self.algorithm == "fastcdc-2020" && self.version == 1;
        if !known {
            return Err(format!(
                "chunker {} version {} is not known",
                self.algorithm, self.version
            ));
        }
        let even = [self.min, self.average, self.max]
            .iter()
            .all(|size| size.is_multiple_of(2));
        let sizes = (64..=1 << 20).contains(&self.min)
            && (256..=4 << 20).contains(&self.average)
            && (1024..=16 << 20).contains(&self.max)
            && self.min <= self.average
            && self.average <= self.max;
        let rest = self.normalization <= 3
            && self.segment >= u64::from(self.max)
            && self.segment <= 1 << 30
            && self.bundle_file <= self.bundle_min
            && self.bundle_min <= self.bundle_max
            && self.bundle_max <= self.segment;
        if even && sizes && rest {
            Ok(())
        } else {
            Err("the chunker's sizes are out of range".to_owned())
        }
    }

    /// Whether a bundle ends after a file of this path: depends on the path alone, so that one new file moves
    /// the ends of few bundles. FNV-1a, 64 bits; one path in eight ends a bundle that is large enough.
    pub(crate) fn ends_bundle(path: &[u8]) -> bool {
        let hash = path.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        (hash >> 32) % 8 == 0
    }
}

/// Cuts bytes into chunks.
#[derive(Debug, Clone)]
pub struct Chunker {
    min: usize,
    average: usize,
    max: usize,
    masks: (u64, u64),
    gear: Cow<'static, [u64]>,
    gear_shifted: Cow<'static, [u64]>,
}

impl Chunker {
    /// A chunker with parameters that [`ChunkerConfig::check`] accepts.
    pub fn new(config: &ChunkerConfig) -> Self {
        let level = match config.normalization {
            0 => Normalization::Level0,
            1 => Normalization::Level1,
            2 => Normalization::Level2,
            _ => Normalization::Level3,
        };
        let (gear, gear_shifted) = get_gear_with_seed(config.seed);
        Self {
            min: config.min as usize,
            average: config.average as usize,
            max: config.max as usize,
            masks: select_masks(config.average as usize, level),
            gear,
            gear_shifted,
        }
    }

    /// The largest chunk, bytes.
    pub fn max(&self) -> usize {
        self.max
    }

    /// Length of the chunk at the front of `data`. `data` must reach to the segment's end or hold at least
    /// [`max`](Self::max) bytes.
    pub fn cut(&self, data: &[u8]) -> usize {
        let (strict, loose) = self.masks;
        cut_gear(
            data,
            self.min,
            self.average,
            self.max,
            strict,
            loose,
            strict << 1,
            loose << 1,
            &self.gear,
            &self.gear_shifted,
        )
        .1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ChunkId, sha256};

    /// Bytes that anyone can make again: SHA-256 in counter mode.
    fn noise(seed: u64, len: usize) -> Vec<u8> {
        let blocks = (0..len.div_ceil(32) as u64)
            .flat_map(|n| sha256(&[seed.to_le_bytes(), n.to_le_bytes()].concat()));
        blocks.take(len).collect()
    }

    fn cuts(config: &ChunkerConfig, data: &[u8]) -> Vec<usize> {
        let chunker = Chunker::new(config);
        let (mut rest, mut lengths) = (data, Vec::new());
        while !rest.is_empty() {
            let length = chunker.cut(rest);
            lengths.push(length);
            rest = &rest[length..];
        }
        lengths
    }

    fn fingerprint(lengths: &[usize]) -> String {
        let text: Vec<u8> = lengths.iter().flat_map(|n| (*n as u64).to_le_bytes()).collect();
        ChunkId::of(&text).to_string()
    }

    #[test]
    fn cuts_are_the_golden_ones() {
        let data = noise(1, 16 << 20);
        let lengths = cuts(&ChunkerConfig::default(), &data);
        let seeded = cuts(
            &ChunkerConfig {
                seed: 0x1234_5678_9abc_def0,
                ..Default::default()
            },
            &data,
        );
        assert_eq!(lengths.iter().sum::<usize>(), data.len());
        assert_eq!(lengths[..6], GOLDEN_FIRST);
        assert_eq!(fingerprint(&lengths), GOLDEN_ALL);
        assert_eq!(fingerprint(&seeded), GOLDEN_SEEDED);
        let zeros = cuts(&ChunkerConfig::default(), &vec![0; 5 << 20]);
        assert_eq!(zeros, [2 << 20, 2 << 20, 1 << 20]);
    }

    const GOLDEN_FIRST: [usize; 6] = [148_328, 939_692, 1_154_303, 658_315, 779_368, 334_000];
    const GOLDEN_ALL: &str = "10c87870029495686e52a8542763268cc3e771e8b2c0830ad3dbf8883d2b29b4";
    const GOLDEN_SEEDED: &str = "98f3844d0b29621f08fe3165b506d8366647f918af40f8d2364a1e5d030ac2a1";

    #[test]
    fn an_insertion_moves_few_cuts() {
        let data = noise(2, 24 << 20);
        let mut changed = data.clone();
        changed.splice(100_000..100_000, *b"inserted");
        let chunks = |data: &[u8]| {
            let mut at = 0;
            let lengths = cuts(&ChunkerConfig::default(), data);
            lengths
                .iter()
                .map(|n| {
                    at += n;
                    ChunkId::of(&data[at - n..at])
                })
                .collect::<Vec<_>>()
        };
        let (before, after) = (chunks(&data), chunks(&changed));
        let new = after.iter().filter(|id| !before.contains(id)).count();
        assert!(new <= 3, "{new} of {} chunks are new", after.len());
    }

    #[test]
    fn parameters_are_checked() {
        assert_eq!(ChunkerConfig::default().check(), Ok(()));
        assert!(
            ChunkerConfig {
                min: 63,
                ..Default::default()
            }
            .check()
            .is_err()
        );
        assert!(
            ChunkerConfig {
                max: 4 << 10,
                ..Default::default()
            }
            .check()
            .is_err()
        );
        assert!(
            ChunkerConfig {
                version: 2,
                ..Default::default()
            }
            .check()
            .is_err()
        );
    }
}
