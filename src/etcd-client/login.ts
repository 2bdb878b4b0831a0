/** A token for each call, got by one login however many calls wait for it. */
export interface Login {
  /** The token to send; undefined: none is needed. Rejects as `authenticate` does. */
  token(): Promise<string | undefined>;
  /** The server does not know this token any more: the next call logs in again. */
  forget(token: string | undefined): void;
}

/** `authenticate` logs in once and resolves to a token, or to undefined where authentication is off. */
export function openLogin(authenticate: () => Promise<string | undefined>): Login {
  let pending: Promise<string | undefined> | undefined;
  let known: string | undefined;

  async function renew(): Promise<string | undefined> {
    try {
      known = await authenticate();
      return known;
    } catch (error) {
      pending = undefined;
      throw error;
    }
  }
  return {
    token() {
      pending ??= renew();
      return pending;
    },
    forget(token) {
      if (token === known) pending = undefined;
    },
  };
}
