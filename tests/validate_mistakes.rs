//! `tieout validate`: every problem at once.
