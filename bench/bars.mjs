// Groups of horizontal bars as one SVG, which is read in the light and in the dark, and aloud.

const WIDTH = 760;
const MARGIN = 16;
const LABELS = 190;
/** For the words behind the longest bar. */
const WORDS = 190;
const BAR = 16;
const GAP = 4;
const GROUP_GAP = 14;
const LENGTH = WIDTH - 2 * MARGIN - LABELS - WORDS;
/** Of a logarithmic scale, the shortest bar takes this share of the length. */
const SHORTEST = 0.04;

// Okabe and Ito's colours, which people who see colours differently can tell apart. Ours is the strong one.
const COLOURS = ['#0072b2', '#e69f00', '#8a8f98', '#009e73', '#cc79a7', '#56b4e9', '#d55e00'];

/**
 * @param {object} chart
 * @param {string} chart.title
 * @param {'linear' | 'log'} chart.scale
 * @param {{ name: string, bars: { series: string, value: number, text: string }[] }[]} chart.groups
 */
export function bars({ title, scale, groups }) {
  const series = [...new Set(groups.flatMap(({ bars }) => bars.map((bar) => bar.series)))];
  const colourOf = new Map(series.map((name, index) => [name, `c${index}`]));
  const length = lengthOn(
    scale,
    groups.flatMap(({ bars }) => bars.map(({ value }) => value)),
  );
  const drawn = [];
  const legend = legendOf(series, colourOf, MARGIN + 34);
  let y = legend.end;
  for (const group of groups) {
    const height = group.bars.length * (BAR + GAP) - GAP;
    drawn.push(text(MARGIN, y + height / 2 + 4, group.name, 'name'));
    for (const bar of group.bars) {
      const x = MARGIN + LABELS;
      const width = length(bar.value).toFixed(1);
      drawn.push(
        `<rect class="${colourOf.get(bar.series)}" x="${x}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`,
        text(x + Number(width) + 6, y + BAR - 4, bar.text),
      );
      y += BAR + GAP;
    }
    y += GROUP_GAP;
  }
  const height = y - GROUP_GAP + MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc">
<title id="title">${escaped(title)}</title>
<desc id="desc">${escaped(aloud(groups))}</desc>
<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 14px; }
.paper { fill: #ffffff; }
${series.map((_name, index) => `.c${index} { fill: ${COLOURS[index % COLOURS.length]}; }`).join('\n')}
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .paper { fill: #0d1117; }
  .c0 { fill: #4aa8e0; }
}
</style>
<rect class="paper" width="${WIDTH}" height="${height}" rx="6"/>
${text(MARGIN, MARGIN + 12, title, 'title')}
${[...legend.drawn, ...drawn].join('\n')}
</svg>
`;
}

function lengthOn(scale, values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (scale === 'linear') return (value) => Math.max(1, (value / most) * LENGTH);
  const span = Math.log(most / least) || 1;
  return (value) => (SHORTEST + (1 - SHORTEST) * (Math.log(value / least) / span)) * LENGTH;
}

/** The names of the series, as many in a line as fit. */
function legendOf(series, colourOf, top) {
  const drawn = [];
  let [x, y] = [MARGIN, top];
  for (const name of series) {
    const width = 22 + name.length * 7 + 14;
    if (x > MARGIN && x + width > WIDTH - MARGIN) [x, y] = [MARGIN, y + 20];
    drawn.push(
      `<rect class="${colourOf.get(name)}" x="${x}" y="${y - 10}" width="12" height="12" rx="2"/>`,
      text(x + 18, y, name),
    );
    x += width;
  }
  return { drawn, end: y + 20 };
}

function aloud(groups) {
  const one = ({ name, bars }) => `${name}: ${bars.map((bar) => `${bar.series} ${bar.text}`).join(', ')}.`;
  return groups.map(one).join(' ');
}

function text(x, y, content, className) {
  const named = className ? ` class="${className}"` : '';
  return `<text${named} x="${x}" y="${y}">${escaped(content)}</text>`;
}

function escaped(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
