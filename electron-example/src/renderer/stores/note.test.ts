import { createPinia, setActivePinia } from 'pinia';
import { beforeEach, expect, it } from 'vitest';
import { useNoteStore } from './note';

beforeEach(() => setActivePinia(createPinia()));

it('keeps the text for the same person', () => {
  const note = useNoteStore();
  note.openFor('ada');
  note.text = 'draft';
  note.openFor('ada');
  expect(note.text).toBe('draft');
});

it('does not show the text of one person to the next', () => {
  const note = useNoteStore();
  note.openFor('ada');
  note.text = 'draft';
  note.openFor('grace');
  expect(note.text).toBe('');
});
