//! Link-time set-up that Node-API needs; nothing when the crate is built without Node.

fn main() {
    #[cfg(feature = "node")]
    napi_build::setup();
}
