//! The published records as lines of a parcel.

use super::{LineFacts, Lines, RowRefused};
use crate::records::{RecordPlan, Scratch};

impl Lines for RecordPlan {
    type Scratch = Scratch;

    fn sources(&self) -> Vec<String> {
        self.sources().to_vec()
    }

    fn fields(&self) -> Vec<(String, Vec<usize>)> {
        self.fields().iter().map(|field| (field.name.to_owned(), field.slots.clone())).collect()
    }

    fn write<'c>(
        &'c self,
        cell: impl Fn(usize) -> Option<&'c str>,
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) -> Result<LineFacts, RowRefused> {
        match self.write(cell, scratch, out) {
            Ok(written) => Ok(LineFacts {
                amount_minor: written.amount_minor,
                currency: written.currency,
                event_id: written.event_id,
            }),
            Err(refused) => Err(RowRefused {
                field: Some(refused.field.to_owned()),
                value: refused.value,
                reason: refused.reason,
                currency: refused.currency,
                amount_minor: refused.amount_minor,
            }),
        }
    }
}
