/**
 * A program of its own, started in a node's namespace, whose loopback has the page: opens it in Chromium as a person would and prints what is
 * seen. Usage: browse.ts URL FOLDER
 */
import assert from 'node:assert/strict';
import { chromium, type Page } from 'playwright-core';

/** Nothing of the browser's own looks for the internet. */
const QUIET = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
];
const TIMEOUT_MS = 90_000;

const background = (page: Page): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor');

/** By keys alone: to the picture, to the next node, chosen. */
async function byKeyboard(page: Page): Promise<string> {
  await page.locator('#topology .node').first().focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#details dd');
  const chosen = await page.locator('#details dd').first().innerText();
  // Everything is made anew each second; the focus stays.
  await page.waitForTimeout(2_500);
  const focused = await page.evaluate("document.activeElement.getAttribute('aria-label')");
  assert.match(String(focused), new RegExp(`^${chosen},`));
  await page.keyboard.press('Enter');
  await page.waitForSelector('#hint:not([hidden])');
  return chosen;
}

async function look(page: Page, url: string): Promise<object> {
  const faults: string[] = [];
  const asked = new Set<string>();
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('request', (request) => asked.add(new URL(request.url()).origin));
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto(url);
  await page.waitForSelector('#topology .node');
  const light = await background(page);
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await background(page);
  await page.click('#theme');
  const turned = await background(page);
  return {
    state: await page.locator('#state').innerText(),
    nodes: await page.locator('#topology .node').count(),
    links: await page.locator('#topology .link').count(),
    held: await page.locator('#map button').count(),
    cells: await page.locator('#map .cell').count(),
    rows: await page.locator('#rows tr').allInnerTexts(),
    events: await page.locator('#events li').allInnerTexts(),
    chosen: await byKeyboard(page),
    colors: { light, dark, turned },
    origins: [...asked],
    faults,
  };
}

const [url = '', folder = ''] = process.argv.slice(2);
const context = await chromium.launchPersistentContext(folder, {
  ...{ executablePath: '/usr/bin/chromium', args: QUIET, headless: true, timeout: TIMEOUT_MS },
});
try {
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  console.log(JSON.stringify(await look(page, url)));
} finally {
  await context.close();
}
