/** One or two letters that stand for a person: from the name, else from the e-mail address. */
export function initials(name: string | null, email: string | null): string {
  const words = (name ?? '').trim().split(/\s+/).filter(Boolean);
  const first = words[0] ?? email?.trim();
  if (!first) return '?';
  const last = words.length > 1 ? words[words.length - 1] : undefined;
  return (firstLetter(first) + (last ? firstLetter(last) : '')).toLocaleUpperCase('en');
}

/** By code point, so that a letter outside the basic plane is not cut in half. */
function firstLetter(word: string): string {
  return Array.from(word)[0] ?? '';
}
