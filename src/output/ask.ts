/** Questions on a terminal. They go to stderr, so that stdout stays the result; Ctrl-C becomes the error ABORTED. */
import type { Choice, Questions } from '../model/questions.ts';

/** Whether somebody can be asked: stdin and stderr are terminals and CI is not set. */
export const canAsk = (): boolean =>
  process.stdin.isTTY === true && process.stderr.isTTY === true && !process.env.CI && process.env.TERM !== 'dumb';

/** Opens the prompts (inquirer is loaded here, only when something is asked). */
export async function openAsk(): Promise<Questions> {
  const { default: inquirer } = await import('inquirer');
  const prompt = inquirer.createPromptModule({ output: process.stderr });
  return {
    async choose<T>(message: string, choices: readonly Choice<T>[]) {
      const { index } = await prompt([
        {
          type: 'select',
          name: 'index',
          message,
          choices: choices.map((choice, at) => ({ name: choice.name, value: at })),
        },
      ]);
      return (choices[index] ?? choices[0]!).value;
    },
    async text(message, fallback, check) {
      const validate = async (answer: string) => (await check(answer.trim())) ?? true;
      const { answer } = await prompt([{ type: 'input', name: 'answer', message, default: fallback, validate }]);
      return answer.trim();
    },
    async confirm(message, fallback) {
      const { yes } = await prompt([{ type: 'confirm', name: 'yes', message, default: fallback }]);
      return yes;
    },
  };
}
