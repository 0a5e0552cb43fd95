//! tieout ties what a card or rewards provider says to what the issuer booked.
//!
//! The modules stand in the order in which the data passes them; `pipeline` is the page
//! where all stages can be seen. See ARCHITECTURE.md for one run walked through.

pub mod digest;
pub mod exit;
pub mod money;
pub mod period;
pub mod progress;
pub mod shared;
pub mod spans;
pub mod text;

pub mod postgres;

pub mod config;

pub mod objects;

pub mod calendar;

pub mod providers;

pub mod job;
pub mod project;

pub mod sources;

pub mod frames;
pub mod matching;
pub mod records;

pub mod outgoing;

pub mod breaks;
pub mod month;
pub mod seals;
pub mod sign_off;

pub mod effects;

pub mod report;

pub mod journal;

pub mod decisions;

pub mod engine;
pub mod pipeline;

pub mod notify;
pub mod ops;

pub mod backfill;
pub mod retention;
pub mod schedule;
pub mod trace;

pub mod sandbox;

pub mod evidence;
pub mod receiver;
pub mod review;

pub mod kubernetes;
pub mod telemetry;

pub mod logging;
pub mod output;

pub mod cli;
pub mod commands;
