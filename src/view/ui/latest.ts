/** The answer to the last question, asked one at a time: what was overtaken is never asked. */
import { useEffect, useRef, useState } from 'react';

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
      // A failure was told where the document was opened; the last answer stays.
      await ask(asked).then(setAnswer, () => {});
      isAsking.current = false;
      if (wanted.current !== asked) await next();
    };
    if (!isAsking.current) void next();
  }, [question, ask]);
  return answer;
}
