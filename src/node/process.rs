//! Which process this is: the addon serves Electron's main process, and plain Node.

use super::error::to_js;
use crate::Error;
use napi::bindgen_prelude::{Env, JsObjectValue as _, Object, Result};

/// # Errors
/// `ERR_WRONG_PROCESS` in a renderer, a preload script, a worker or a utility process of Electron.
pub(super) fn check(env: &Env) -> Result<()> {
    let process: Option<Object<'_>> = env.get_global()?.get_named_property("process")?;
    // Electron sets `process.type`; plain Node does not have it.
    let kind: Option<String> = match process {
        Some(process) => process.get("type")?,
        None => Some("web page".to_owned()),
    };
    match kind {
        None => Ok(()),
        Some(kind) if kind == "browser" => Ok(()),
        Some(kind) => Err(to_js(env, &Error::WrongProcess(kind))),
    }
}
