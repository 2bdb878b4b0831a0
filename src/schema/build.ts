/** A JSON Schema of draft 2020-12, as far as it is needed here. */
export interface Schema {
  readonly $schema?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'null';
  readonly const?: string | number | boolean;
  readonly enum?: readonly (string | number)[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  /** Of an object whose keys are data. */
  readonly additionalProperties?: Schema;
  readonly anyOf?: readonly Schema[];
}

/** A property that may be absent. */
export interface Optional {
  readonly optional: Schema;
}

export type Properties = Readonly<Record<string, Schema | Optional>>;

/** One entry for each key of T, optional where it is in T: a type that changes without its schema does not compile. */
export type PropertiesOf<T> = {
  readonly [K in keyof T & string]-?: Record<never, never> extends Pick<T, K> ? Optional : Schema;
};

const described = (schema: Schema, description: string | undefined): Schema =>
  description === undefined ? schema : { ...schema, description };

export const text = (description?: string): Schema => described({ type: 'string' }, description);
export const whole = (description?: string): Schema => described({ type: 'integer' }, description);
/** A count that is never below 0. */
export const count = (description?: string): Schema => described({ type: 'integer', minimum: 0 }, description);
export const real = (description?: string): Schema => described({ type: 'number' }, description);
export const flag = (description?: string): Schema => described({ type: 'boolean' }, description);
/** A 64-bit number as decimal text: `jq` would round it. */
export const decimal = (description?: string): Schema =>
  described({ type: 'string', pattern: '^-?[0-9]+$' }, description);
/** A counter of 64 bits that begins at 0: decimal text from 2^53 on, since `jq` would round it. */
export const tally = (description = 'over 2^53 decimal text'): Schema => ({
  anyOf: [count(), decimal()],
  description,
});
/** A 64-bit id as etcd prints it. */
export const hex = (description?: string): Schema => described({ type: 'string', pattern: '^[0-9a-f]+$' }, description);
export const time = (description = 'RFC 3339'): Schema => ({
  type: 'string',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$',
  description,
});
/** One of these words. */
export const word = (...words: readonly (string | number)[]): Schema => ({ enum: words });
export const list = (items: Schema, description?: string): Schema => described({ type: 'array', items }, description);
/** An object whose keys are data. */
export const table = (additionalProperties: Schema, description?: string): Schema =>
  described({ type: 'object', additionalProperties }, description);
export const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });
export const oneOf = (...anyOf: readonly Schema[]): Schema => ({ anyOf });
export const optional = (schema: Schema): Optional => ({ optional: schema });

/** An object of these properties; more may come in later versions. */
export function object(properties: Properties, description?: string): Schema {
  const entries = Object.entries(properties);
  const required = entries.filter(([, one]) => !('optional' in one)).map(([name]) => name);
  const plain = entries.map(([name, one]) => [name, 'optional' in one ? one.optional : one] as const);
  return described({ type: 'object', properties: Object.fromEntries(plain), required }, description);
}

/** The same, bound to the type it describes. */
export const objectOf = <T>(properties: PropertiesOf<T>, description?: string): Schema =>
  object(properties as Properties, description);
