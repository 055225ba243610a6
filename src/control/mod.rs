//! Command line, configuration, signals, pages.
