/** Makes elements. Text is set as text. */
const SVG = 'http://www.w3.org/2000/svg';

type Attributes = Readonly<Record<string, string | number | undefined>>;

function fill<E extends Element>(element: E, attributes: Attributes, children: readonly (Element | string)[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

export const html = (tag: string, attributes: Attributes = {}, ...children: (Element | string)[]): HTMLElement =>
  fill(document.createElement(tag), attributes, children);

export const svg = (tag: string, attributes: Attributes = {}, ...children: (Element | string)[]): SVGElement =>
  fill(document.createElementNS(SVG, tag), attributes, children);

/** An element of the page, by its id. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no ${id}`);
  return element;
}
