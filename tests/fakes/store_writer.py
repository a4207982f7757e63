"""A process that asks and answers into the store named first, until it is killed; says each answer it has saved."""

import sys
from pathlib import Path

from offload_app.conversation import MessageState, ask, begin_answer, new_conversation, write
from offload_app.conversation_store import ConversationStore


def main() -> None:
    with ConversationStore.open(Path(sys.argv[1])) as store:
        conversation = store.add(new_conversation(1))
        print(conversation.id, flush=True)
        for turn in range(1, 1_000_000):
            conversation = begin_answer(ask(conversation, f"question {turn}", turn), turn)
            store.save_tree(conversation)
            answer = len(conversation.messages)
            for part in range(1, 20):
                conversation = write(conversation, answer, f"answer {turn} " * part)
                store.save_message(conversation, answer)
            conversation = write(conversation, answer, f"answer {turn} whole", MessageState.COMPLETE)
            store.save_message(conversation, answer)
            print(answer, flush=True)


if __name__ == "__main__":
    main()
