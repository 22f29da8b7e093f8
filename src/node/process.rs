//! Which process this is: the addon serves Electron's main process, and plain Node.

use crate::{Error, Result};
use napi::bindgen_prelude::{Env, JsObjectValue as _, Object};

/// # Errors
/// `ERR_WRONG_PROCESS` in a renderer, a preload script, a worker or a utility process of Electron.
pub(super) fn check(env: &Env) -> Result<()> {
    match kind(env) {
        Ok(None) => Ok(()),
        Ok(Some(kind)) if kind == "browser" => Ok(()),
        Ok(Some(kind)) => Err(Error::WrongProcess(kind)),
        Err(_) => Err(Error::WrongProcess("unknown".to_owned())),
    }
}

/// `process.type`, which Electron sets and plain Node does not have.
fn kind(env: &Env) -> napi::Result<Option<String>> {
    let process: Option<Object<'_>> = env.get_global()?.get_named_property("process")?;
    match process {
        Some(process) => process.get("type"),
        None => Ok(Some("web page".to_owned())),
    }
}
