/** The answer to the last question, asked one at a time: what was overtaken is never asked. */
import { useEffect, useRef, useState } from 'react';
import { store } from '../store.ts';

/** @param question asked anew whenever it changes; must be stable while it does not */
export function useLatest<Question, Answer>(
  question: Question,
  ask: (question: Question) => Promise<Answer>,
): Answer | undefined {
  const [answer, setAnswer] = useState<Answer>();
  const wanted = useRef(question);
  const isAsking = useRef(false);
  useEffect(() => {
    wanted.current = question;
    const next = async (): Promise<void> => {
      isAsking.current = true;
      const asked = wanted.current;
      await ask(asked).then(setAnswer, (error: unknown) => store.tell(error));
      isAsking.current = false;
      if (wanted.current !== asked) await next();
    };
    if (!isAsking.current) void next();
  }, [question, ask]);
  return answer;
}
