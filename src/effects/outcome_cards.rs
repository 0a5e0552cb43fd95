//! What an answer means for an order: what the network says is decided here, what the provider says by the provider.

use super::outcome::{Judgement, Next, acknowledged, in_doubt, not_sent, told};
use super::{Doubt, Event, Standing};
use crate::providers::cards::{After, CardAnswer, CardProvider};
use crate::providers::http::Answer;

/// Judges the answer to the one order of a call.
pub fn judge(provider: &dyn CardProvider, standing: &Standing, answer: &Answer) -> Judgement {
    let sent = Sent { standing };
    let Some(operation) = standing.effect.kind().operation() else {
        return sent.judged(in_doubt(Doubt::Unreadable, "it is no order".to_owned()), Next::Doubtful, String::new());
    };
    match answer {
        Answer::NotSent { why } => sent.judged(not_sent(told(why)), Next::Unavailable, told(why)),
        Answer::Lost { why } => sent.unclear(Doubt::NoReply, told(why)),
        Answer::Reply { status, web_page: true, .. } => {
            let why = format!("status {status} with a web page; a proxy or a maintenance page may answer");
            sent.unclear(Doubt::Unreadable, why)
        }
        Answer::Reply { status, retry_after, body, .. } => match provider.answer(operation, *status, body) {
            CardAnswer::Done { id, note } => {
                sent.judged(acknowledged(id, note.map(|note| told(&note))), Next::GoOn, format!("status {status}"))
            }
            CardAnswer::Refused { why } => {
                let why = told(&why);
                sent.judged(Event::Rejected { why: why.clone() }, Next::GoOn, why)
            }
            CardAnswer::NotDone { why, next } => {
                let next = match next {
                    After::GoOn => Next::GoOn,
                    After::Slower => Next::Again { wait: *retry_after },
                    After::NewToken => Next::NewToken,
                    After::End(code) => Next::Refused(code),
                };
                sent.judged(not_sent(told(&why)), next, told(&why))
            }
            CardAnswer::Unclear { why } => {
                let doubt = if *status >= 500 || *status == 408 { Doubt::ServerError } else { Doubt::Unreadable };
                sent.unclear(doubt, told(&why))
            }
        },
    }
}

#[derive(Clone, Copy)]
struct Sent<'a> {
    standing: &'a Standing,
}

impl Sent<'_> {
    fn judged(self, event: Event, next: Next, words: String) -> Judgement {
        Judgement { events: vec![(self.standing.effect.id.clone(), event)], next, words }
    }

    /// With a key it goes again, and a second arrival is the first order; without one nobody knows.
    fn unclear(self, doubt: Doubt, why: String) -> Judgement {
        if self.standing.effect.repeats_safely() {
            return self.judged(Event::Again { doubt, why: why.clone() }, Next::Again { wait: None }, why);
        }
        self.judged(in_doubt(doubt, why.clone()), Next::Doubtful, why)
    }
}
