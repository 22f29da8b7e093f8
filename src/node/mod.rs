//! The Node-API surface: conversion and nothing else. The only place that names `napi`.
//!
//! Every function converts its arguments, calls one function of the core, and maps the result. Errors reach JavaScript
//! as `Error` objects with `name: 'LatchkeyError'` and a stable `code`, thrown and rejected alike.

mod argument;
mod claims;
mod error;
mod fetch;
mod harden;
mod import;
mod listener;
mod pending;
mod process;
mod promise;
mod provider;
mod queue;
mod safe_storage;
mod session;
mod sign_in;
mod store;
mod sync_vault;
mod token_source;
mod vault;
