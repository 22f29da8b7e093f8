// Looks at what a window shows, as an accessibility checker and as a person with a narrow window do.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** The widths at which nothing may have to be scrolled sideways: a phone's, which is the app's smallest, and a window's. */
const NARROW = { width: 360, height: 740 };

export const SCHEMES = ['light', 'dark'];

const axeSource = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * What axe finds wrong with the page as it stands, each as one line: the rule, where, and why.
 *
 * @param {import('playwright-core').Page} page
 * @param {string[]} [rules] only these; default: all of WCAG 2.2 AA, and axe's best practices
 */
export async function violations(page, rules) {
  // Through the debugger, which the page's policy against foreign scripts does not reach.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(await axeSource);
  const found = await page.evaluate(async (only) => {
    const options = only ? { runOnly: { type: 'rule', values: only } } : {};
    const result = await window.axe.run(document, { ...options, resultTypes: ['violations'] });
    return result.violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => [id, target.join(' '), failureSummary]),
    );
  }, rules);
  return found.map(([rule, where, why]) => `${rule} at ${where}: ${why.replaceAll(/\s+/g, ' ')}`);
}

/** Shows the page in one of the two colour schemes, with everything in its place. */
export async function inScheme(page, colorScheme) {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
}

/** Runs `look` while the window is as narrow as it gets; answers what juts out, as one line each. */
export async function whileNarrow(page, look) {
  const before = await page.evaluate(() => ({ width: innerWidth, height: innerHeight }));
  await page.setViewportSize(NARROW);
  try {
    await look();
    return await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return scrollWidth > clientWidth
        ? [`${scrollWidth - clientWidth} px jut out at ${clientWidth} px`]
        : [];
    });
  } finally {
    await page.setViewportSize(before);
  }
}
