/** The account the example's server makes when it starts. It is public on purpose and exists on loopback only. */
export const DEMO_EMAIL = 'demo@example.com';
export const DEMO_PASSWORD = 'latchkey-demo-password';
