import { type Rejection, shown } from '../model/parsed.ts';
import { lastIndex, type Placed, placed, type Registry } from './registry.ts';

/** What goes back to a client. */
export interface Reply {
  readonly status: number;
  /** Text for people (`/new`), or JSON. */
  readonly body: string;
  readonly json: boolean;
  /** `X-Etcd-Index`: etcd's client watches from here on. */
  readonly index: number;
}

const json = (status: number, index: number, body: object): Reply => ({
  status,
  index,
  json: true,
  body: `${JSON.stringify(body)}\n`,
});

/** Keys as the public service shows them; clients look at the last part only. */
const keyOf = (token: string, name?: string): string =>
  `/_etcd/registry/${token}${name === undefined ? '' : `/${name}`}`;

const nodeOf = (token: string, { id, value, index }: Placed): object => ({
  key: keyOf(token, id),
  value,
  modifiedIndex: index,
  createdIndex: index,
});

/** The size, as `GET TOKEN/_config/size`. */
export const sizeReply = (registry: Registry): Reply =>
  json(200, lastIndex(registry), {
    action: 'get',
    node: {
      key: keyOf(registry.token, '_config/size'),
      value: String(registry.size),
      modifiedIndex: 4,
      createdIndex: 4,
    },
  });

/** All members. `_config` is hidden, as keys with an underscore are in etcd. */
export const membersReply = (registry: Registry): Reply =>
  json(200, lastIndex(registry), {
    action: 'get',
    node: {
      key: keyOf(registry.token),
      dir: true,
      nodes: placed(registry).map((each) => nodeOf(registry.token, each)),
      modifiedIndex: 4,
      createdIndex: 4,
    },
  });

/** One member: read, or seen coming (`create`, which is 201 for the member itself). */
export const memberReply = (registry: Registry, member: Placed, action: 'get' | 'create', status = 200): Reply =>
  json(status, lastIndex(registry), { action, node: nodeOf(registry.token, member) });

/** Codes of etcd's v2 API that its client knows: 100 key not found, 105 it exists, 209 a field is not valid. */
const failure = (status: number, errorCode: number, message: string, cause: string): Reply =>
  json(status, 0, { errorCode, message, cause, index: 0 });

export const notFound = (what: string): Reply => failure(404, 100, 'Key not found', shown(what));
export const notAllowed = (method: string): Reply => failure(405, 209, 'Invalid field', `${method} is not served`);
export const invalid = (detail: string, status = 400): Reply => failure(status, 209, 'Invalid field', detail);

/** Why a member could not come in. */
export const refused = ({ code, where, detail }: Rejection): Reply => {
  if (code === 'EXISTS') return failure(412, 105, 'Key already exists', where);
  return code === 'TOKEN' ? notFound(where) : invalid(detail);
};

export const plain = (status: number, body: string): Reply => ({ status, index: 0, json: false, body: `${body}\n` });
