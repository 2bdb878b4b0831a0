/** As much of PromQL and of Prometheus' text format as the dashboard needs. */

/** What a query asks for: names of metrics, and the labels it selects or groups by. */
export interface Query {
  readonly metrics: readonly string[];
  readonly labels: readonly string[];
}

const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|("(?:[^"\\]|\\.)*")|\[(\d+[smhd])\]|([a-zA-Z_]\w*)|(=~|!~|!=|[(){},=<>/*+-]))/y;
const AGGREGATES = new Set(['sum', 'max', 'min', 'avg', 'count', 'topk']);
const FUNCTIONS = new Set(['rate', 'increase', 'irate', 'histogram_quantile', 'clamp_min', 'time']);
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '{': '}' };

function tokensOf(query: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < query.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const [token] = TOKEN.exec(query) ?? [];
    if (token === undefined) throw new Error(`${query}: what is ${query.slice(at)}?`);
    tokens.push(token.trim());
  }
  return tokens;
}

/** Throws for what is no query: an unknown sign or function, brackets that do not match, a selector without a value. */
export function parseQuery(query: string): Query {
  const tokens = tokensOf(query);
  const [metrics, labels, open]: [string[], string[], string[]] = [[], [], []];
  let grouping = false;
  tokens.forEach((token, i) => {
    const next = tokens[i + 1] ?? '';
    if (token in CLOSING) open.push(CLOSING[token] as string);
    else if (token === ')' || token === '}') {
      if (open.pop() !== token) throw new Error(`${query}: ${token} closes nothing`);
      grouping = false;
    } else if (token === 'by' || token === 'without') grouping = true;
    else if (!/^[a-zA-Z_]/.test(token)) return;
    else if (open.at(-1) === '}') {
      if (!/^(=|!=|=~|!~)$/.test(next) || !tokens[i + 2]?.startsWith('"'))
        throw new Error(`${query}: ${token} has no value`);
      labels.push(token);
    } else if (grouping) labels.push(token);
    else if (AGGREGATES.has(token) || (FUNCTIONS.has(token) && next === '(')) return;
    else metrics.push(token);
  });
  if (open.length > 0) throw new Error(`${query}: ${open.join(' ')} is missing`);
  if (metrics.length === 0) throw new Error(`${query}: no metric`);
  return { metrics, labels };
}

/** Metrics that a page declares, and the labels its samples have, by the name of the sample. */
export function samplesOf(page: string): ReadonlyMap<string, ReadonlySet<string>> {
  const samples = new Map<string, Set<string>>();
  for (const line of page.split('\n').filter((one) => one !== '' && !one.startsWith('#'))) {
    const [, name = '', inside = ''] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    const labels = samples.get(name) ?? new Set();
    for (const [, label = ''] of inside.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) labels.add(label);
    samples.set(name, labels);
  }
  return samples;
}
