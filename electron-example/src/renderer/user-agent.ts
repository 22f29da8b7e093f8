import { texts } from './texts';

/** Looked for in this order: most programs name others that they resemble. */
const PROGRAMS = [
  [/electron-latchkey/i, texts.sessions.thisApp],
  [/Edg\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\//, 'Firefox'],
  [/Electron\//, 'An Electron app'],
  [/Chrome\//, 'Chrome'],
  [/Safari\//, 'Safari'],
] as const;

const SYSTEMS = [
  [/iPhone|iPad/, 'iOS'],
  [/Android/, 'Android'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux|X11/, 'Linux'],
] as const;

/** A program's name for a person: "Firefox on Windows". */
export function describeAgent(userAgent: string | null): string {
  if (!userAgent) return texts.sessions.unknownAgent;
  const program = PROGRAMS.find(([pattern]) => pattern.test(userAgent))?.[1];
  const system = SYSTEMS.find(([pattern]) => pattern.test(userAgent))?.[1];
  // A program that is not known goes by the first word it says of itself, which a server has stored unread.
  const name = program ?? userAgent.split(/[/ ]/, 1)[0]?.slice(0, 40);
  if (!name) return texts.sessions.unknownAgent;
  return system ? texts.sessions.onSystem(name, system) : name;
}
