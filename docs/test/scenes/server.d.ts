// A server's code stands on its own.
export {};
