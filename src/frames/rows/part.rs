//! The rows of one part, as they are taken to be matched.

use std::io;
use std::sync::{Arc, PoisonError};

use super::chunk::Chunk;
use super::spread::Spread;
use super::{Held, Rows};

/// What was taken of the rows of a part; what was laid aside is still on the disk.
#[derive(Debug)]
pub(crate) struct Part<'r> {
    rows: &'r Rows,
    bits: u32,
    /// The parts of these rows that lie in it, each with what is held of it.
    held: Vec<(usize, Held)>,
}

impl<'r> Part<'r> {
    /// # Errors
    /// When it is not there any more.
    pub(super) fn of(
        rows: &'r Rows,
        (part, bits): (usize, u32),
        take: impl Fn(&mut Option<Held>) -> Option<Held>,
    ) -> io::Result<Self> {
        let finer = rows.bits - bits;
        let own = part << finer..(part + 1) << finer;
        let held = own.map(|own| {
            let held = take(&mut rows.parts[own].lock().unwrap_or_else(PoisonError::into_inner));
            Ok((own, held.ok_or_else(|| io::Error::other("these rows were given away"))?))
        });
        Ok(Self { rows, bits, held: held.collect::<io::Result<_>>()? })
    }

    /// Bytes that its rows take.
    pub(crate) fn bytes(&self) -> usize {
        let (heads, texts) = self.sizes();
        heads + texts
    }

    /// Of heads, and of texts.
    fn sizes(&self) -> (usize, usize) {
        let held = self.held.iter().flat_map(|(_, held)| held).map(|chunk| {
            let (heads, texts) = chunk.raw();
            (heads.len(), texts.len())
        });
        let spill = self.rows.spill.iter();
        let aside = spill.flat_map(|spill| self.held.iter().map(|(own, _)| spill.bytes(*own)));
        held.chain(aside).fold((0, 0), |(heads, texts), (more, further)| (heads + more, texts + further))
    }

    /// Its rows.
    ///
    /// # Errors
    /// When rows that were laid aside cannot be read back.
    pub(crate) fn chunks(self) -> io::Result<Held> {
        let Some(spill) = &self.rows.spill else {
            return Ok(self.held.into_iter().flat_map(|(_, held)| held).collect());
        };
        let mut chunks = Vec::new();
        for (own, held) in self.held {
            let mut all = Vec::new();
            spill.each(own, |heads, texts| all.push(Chunk::from_raw(heads, texts)))?;
            all.extend(held.into_iter().map(Arc::unwrap_or_clone));
            self.rows.marks.apply(&self.rows.layout, &mut all);
            chunks.extend(all.into_iter().map(Arc::new));
        }
        Ok(chunks)
    }

    /// Its rows in 2 to the power of `finer` chunks, by more bits of their hash: each holds all rows of its keys, in their
    /// order.
    ///
    /// # Errors
    /// As [`Self::chunks`].
    pub(crate) fn finer(self, finer: u32) -> io::Result<Vec<Chunk>> {
        let (heads, texts) = self.sizes();
        // Hashes share out nearly alike.
        let room = |bytes: usize| (bytes >> finer) + (bytes >> (finer + 4));
        let mut chunks: Vec<Chunk> =
            std::iter::repeat_with(|| Chunk::with_capacity(room(heads), room(texts))).take(1 << finer).collect();
        let place = |hash| Spread::part_of_part(hash, self.bits, finer);
        for (own, held) in self.held {
            if let Some(spill) = &self.rows.spill {
                spill.each(own, |heads, texts| Chunk::share_out((heads, texts), &mut chunks, place))?;
            }
            for chunk in held {
                Chunk::share_out(chunk.raw(), &mut chunks, place);
            }
        }
        if self.rows.spill.is_some() {
            for chunk in &mut chunks {
                self.rows.marks.apply(&self.rows.layout, std::slice::from_mut(chunk));
            }
        }
        Ok(chunks)
    }
}
