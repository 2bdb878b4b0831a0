/** Holds a value against a schema of src/schema, closed: what the schema does not name is a fault too, so that nothing goes undescribed. */
import type { Schema } from '../../src/schema/build.ts';

const KEYWORDS: ReadonlySet<string> = new Set<keyof Schema>([
  ...(['$schema', 'title', 'description', 'type', 'const', 'enum', 'pattern', 'minimum', 'items'] as const),
  ...(['properties', 'required', 'additionalProperties', 'anyOf'] as const),
]);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const TYPES: Readonly<Record<NonNullable<Schema['type']>, (value: unknown) => boolean>> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  integer: Number.isSafeInteger,
  number: Number.isFinite,
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
};

function objectFaults(schema: Schema, value: Readonly<Record<string, unknown>>, at: string): string[] {
  const { properties = {}, required = [], additionalProperties: rest } = schema;
  const missing = required.filter((name) => !Object.hasOwn(value, name)).map((name) => `${at}.${name} is missing`);
  const faults = Object.entries(value).flatMap(([name, one]) => {
    const described = Object.hasOwn(properties, name) ? properties[name] : rest;
    return described ? schemaFaults(described, one, `${at}.${name}`) : [`${at}.${name} is not described`];
  });
  return [...missing, ...faults];
}

function plainFaults(schema: Schema, value: unknown, at: string): string[] {
  const seen = JSON.stringify(value);
  if (schema.type && !TYPES[schema.type](value)) return [`${at} is ${seen}, no ${schema.type}`];
  return [
    ...('const' in schema && value !== schema.const ? [`${at} is ${seen}, not ${schema.const}`] : []),
    ...(schema.enum && !schema.enum.includes(value as string) ? [`${at} is ${seen}, none of ${schema.enum}`] : []),
    ...(schema.pattern && !new RegExp(schema.pattern).test(String(value))
      ? [`${at} is ${seen}: ${schema.pattern}`]
      : []),
    ...(schema.minimum !== undefined && Number(value) < schema.minimum ? [`${at} is ${seen}, too small`] : []),
  ];
}

/** What is wrong, a line each; of alternatives, what is wrong with the one that fits best. */
export function schemaFaults(schema: Schema, value: unknown, at = '$'): string[] {
  const odd = Object.keys(schema).filter((keyword) => !KEYWORDS.has(keyword));
  if (odd.length > 0) return [`${at}: keywords ${odd} are not checked here`];
  const faults = plainFaults(schema, value, at);
  if (faults.length > 0) return faults;
  if (schema.anyOf) {
    const [best = []] = schema.anyOf.map((one) => schemaFaults(one, value, at)).sort((a, b) => a.length - b.length);
    return best;
  }
  if (schema.items && Array.isArray(value))
    return value.flatMap((one, index) => schemaFaults(schema.items as Schema, one, `${at}[${index}]`));
  return schema.type === 'object' && isObject(value) ? objectFaults(schema, value, at) : [];
}
