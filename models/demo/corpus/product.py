"""Questions about offload. An answer is a row of claims; every claim is a sentence that is true of the product.

The claims of all topics are the table against which answers of the model are checked (``claims``). Commands and options in
them come from ``commands.py`` alone, written as ``{name}`` of a command line.
"""

from functools import cache
from random import Random

from models.demo.corpus.commands import COMMAND_LINES
from models.demo.corpus.topics import Topic
from models.demo.corpus.turns import Exchange

_WRITTEN = (
    Topic(
        ("What is offload?", "What does offload do?", "Explain offload.", "Tell me about offload.", "What is offload for?",
         "What is this program?", "What does this program do?", "Why would I use offload?", "Describe offload.",
         "What is the purpose of offload?", "Can you explain what offload is?", "What is offload good for?"),
        (("Offload runs a Mixture-of-Experts model that is bigger than memory.",),
         ("The experts that are used most stay in memory, and the others are read from disk when the router asks for them.",)),
    ),
    Topic(
        ("How does offload work?", "How does it work inside?", "How can a model be bigger than memory?",
         "How can offload run such a big model?", "Why does a big model fit into little memory?", "How does offload save memory?"),
        (("A Mixture-of-Experts model uses only a few experts for each token.",),
         ("Offload keeps the experts that are used most in memory and fetches the others from disk.",)),
    ),
    Topic(
        ("What is an expert?", "What are experts?", "What does an expert do?", "Explain experts.", "What is an expert in a model?",
         "What are the experts of a model?", "What does expert mean?"),
        (("An expert is a small part of a layer.",),
         ("For each token, the router chooses a few experts, and only those do the work.",)),
    ),
    Topic(
        ("What is a Mixture-of-Experts model?", "What does Mixture of Experts mean?", "What is MoE?", "Explain MoE.",
         "What is a mixture of experts?", "What does MoE mean?", "How does a Mixture-of-Experts model work?"),
        (("A Mixture-of-Experts model has many experts in each layer, but uses only a few of them for each token.",),
         ("That is why most of its weights can wait on disk.",)),
    ),
    Topic(
        ("What is a router?", "What does the router do?", "Who chooses the experts?", "How are experts chosen?",
         "What is the router of a layer?", "What is the router for?", "Explain the router."),
        (("The router of a layer chooses the experts for each token.",),
         ("It gives every expert a score, and the best few do the work.",)),
    ),
    Topic(
        ("What is the pager?", "What does the pager do?", "How does the pager work?", "Explain the expert pager.",
         "What is paging?", "What is an expert pager?"),
        (("The pager brings the chosen experts into memory before they compute.",),
         ("When no slot is free, it evicts the expert that was least recently used.",)),
    ),
    Topic(
        ("What is a slot?", "What are slots?", "What is a slot for?", "What does slot mean?", "What are expert slots?",
         "Explain slots."),
        (("A slot is a place in memory that holds one expert.",), ("More memory means more slots and fewer reads from disk.",)),
    ),
    Topic(
        ("What is a hit?", "What is a cache hit?", "What does hit mean?", "When is it a hit?", "Explain a cache hit.",
         "What is an expert hit?"),
        (("A hit means that an expert was already in memory when it was needed.",),),
    ),
    Topic(
        ("What is a miss?", "What is a cache miss?", "What does miss mean?", "When is it a miss?", "Explain a cache miss.",
         "What happens on a miss?"),
        (("A miss means that an expert was not in memory and had to be read from disk.",),),
    ),
    Topic(
        ("What is the hit rate?", "What does the hit rate mean?", "What does the cache-hit gauge show?", "Explain the hit rate.",
         "What does the hit gauge show?", "What is a good hit rate?", "How do I read the cache-hit gauge?", "What is the cache-hit gauge?"),
        (("The hit rate is the share of needed experts that were already in memory.",),
         ("It counts while the answer is generated, and more memory makes it higher.",)),
    ),
    Topic(
        ("What does the memory gauge show?", "How do I read the memory gauge?", "What is the memory gauge?",
         "What do the gauges show?", "Explain the memory gauge.", "What is shown by the memory gauge?"),
        (("The memory gauge shows how much memory the process uses, beside its budget.",),
         ("The hit rate is the share of needed experts that were already in memory.", "")),
    ),
    Topic(
        ("What is a stall?", "What does stall mean?", "What are stalls?", "Explain stalls.", "What is stall time?",
         "When is there a stall?"),
        (("A stall is time in which the computation waits for an expert to be read from disk.",), ("Fewer misses mean fewer stalls.",)),
    ),
    Topic(
        ("What is prefill?", "What does prefill mean?", "What happens in prefill?", "Why does the first token take longer?",
         "Explain prefill.", "What is the prefill phase?"),
        (("Prefill is the phase in which the model reads the whole prompt, before the first token of the answer.",),
         ("A long prompt uses nearly all experts of a layer.",)),
    ),
    Topic(
        ("What is decode?", "What does decode mean?", "What is decoding?", "Explain decoding.", "What is the decode phase?"),
        (("Decode is the phase in which the model writes the answer, one token after another.",),),
    ),
    Topic(
        ("What is prefetching?", "What is a prefetch?", "What does prefetch mean?", "Explain prefetching.", "What is a forecast?",
         "What does prefetching do?"),
        (("Prefetching means reading an expert before it is asked for.",), ("Then the computation need not wait for the disk.",)),
    ),
    Topic(
        ("How do I set the memory?", "How do I limit the memory?", "What does --memory do?", "Can I limit memory?",
         "How do I use less memory?", "How can I set the memory budget?", "How do I give offload six gigabytes?",
         "Limit the memory to 6 GB.", "Which option sets the memory?", "How do I change the memory limit?"),
        (("Use the option `--memory`, for example `{memory}`.",), ("The budget is for the whole process.",)),
    ),
    Topic(
        ("Can I give the memory in percent?", "How do I use 60% of the memory?", "How do I set memory as a share?",
         "Does --memory take percent?", "What does --memory 60% mean?"),
        (("Yes, `{memory_share}` uses up to sixty percent of the memory.",), ("The budget is for the whole process.",)),
    ),
    Topic(
        ("What does --memory auto mean?", "What is the default of --memory?", "How much memory does offload use?",
         "What happens without --memory?", "What is auto memory?"),
        (("Without `--memory` the budget is `auto`: what is free now, less some room for other programs.",),
         ("You can set it yourself, for example `{memory}`.",)),
    ),
    Topic(
        ("What happens if the memory is too small?", "What if the budget is too small?", "Why is my budget refused?",
         "What is the smallest memory?", "Does it crash without enough memory?", "What happens if the budget is too small?"),
        (("A budget that is too small is refused, and the message says how much is needed.",),
         ("You can see the plan before with `{plan}`.",)),
    ),
    Topic(
        ("How do I run a model?", "How do I generate text?", "How do I start?", "How do I use offload?", "What does offload generate do?",
         "Which command generates text?", "How can I run a big model?", "How do I ask a model one question?"),
        (("Use `{generate}` to answer one prompt.",), ("For a conversation, use `{chat}`.",)),
    ),
    Topic(
        ("How do I chat with a model?", "How do I start a chat?", "What does offload chat do?", "Can I have a conversation?",
         "Which command starts a chat?", "How do I talk with a model?", "How do I have a conversation?"),
        (("Use `{chat}` to talk with a model.",), ("Type `/exit` to leave.",)),
    ),
    Topic(
        ("Which commands does the chat know?", "What can I type in the chat?", "What are the chat commands?",
         "List the chat commands.", "Which slash commands are there?"),
        (("The chat knows `/regen`, `/clear`, `/system`, `/stats`, `/help` and `/exit`.",),),
    ),
    Topic(
        ("How do I leave the chat?", "How do I end the chat?", "How do I quit?", "How do I exit?", "How can I stop the chat?"),
        (("Type `/exit` to leave.",),),
    ),
    Topic(
        ("How do I get another answer?", "How do I regenerate an answer?", "What does /regen do?", "Can it answer again?",
         "How do I repeat the last answer?"),
        (("Type `/regen` in the chat to have the last message answered again.",),),
    ),
    Topic(
        ("How do I start a new conversation?", "What does /clear do?", "How do I clear the chat?", "How do I begin again?",
         "How do I forget the conversation?"),
        (("Type `/clear` in the chat to forget the conversation; the system prompt stays.",),),
    ),
    Topic(
        ("How do I set the system prompt?", "What does /system do?", "How do I use a system prompt?", "Can I set a system prompt?",
         "How do I change the system prompt?"),
        (("Type `/system` and your text in the chat, or use `{system}`.",),),
    ),
    Topic(
        ("What does offload pack do?", "How do I pack a model?", "Why should I pack a model?", "What is packing?",
         "Which command packs a model?", "How do I write a packed store?", "Is packing useful?", "How do I make a packed store?"),
        (("Use `{pack}` to write a packed store beside the model.",),
         ("It needs as much disk as the experts of the model and makes generating faster.",)),
    ),
    Topic(
        ("What is a packed store?", "What is in a packed store?", "Explain the packed store.", "What does packed store mean?",
         "What is a store?"),
        (("A packed store holds every expert in one record, in the layout this processor computes with fastest.",),
         ("It is found by itself when it lies beside the model.",)),
    ),
    Topic(
        ("What does offload verify do?", "How do I check a packed store?", "Is my packed store damaged?",
         "How do I verify a store?", "Which command checks a packed store?", "How do I find damaged records?"),
        (("Use `{verify}` to check every record of a packed store against its checksum.",),),
    ),
    Topic(
        ("What does offload plan do?", "Will my model fit?", "How do I see the memory plan?", "What is the memory plan?",
         "Who gets the memory?", "Which command shows the plan?", "Does my model fit into memory?"),
        (("Use `{plan}` to see which part of the memory goes where.",), ("Only the header of the model is read for that.",)),
    ),
    Topic(
        ("What does offload bench do?", "How do I measure the speed?", "How fast is my machine?", "Which command measures the speed?",
         "How do I benchmark a model?", "How many tokens per second do I get?"),
        (("Use `{bench}` to measure tokens per second, the hit rate, and the stall per token.",),),
    ),
    Topic(
        ("What does offload doctor do?", "How do I check my machine?", "Something is wrong. What can I do?",
         "Offload does not work. What now?", "How do I check the installation?", "Which command checks the installation?"),
        (("Run `{doctor}` to check the installation, the processor, the memory and the disk.",),),
    ),
    Topic(
        ("Which commands are there?", "What commands does offload have?", "List the commands of offload.", "What are the commands?",
         "Name the commands of offload."),
        (("The commands are generate, chat, pack, verify, plan, bench, trace, routing, doctor and worker.",),
         ("Add `--help` to a command to see its options.",)),
    ),
    Topic(
        ("How do I get help?", "Where do I find the options?", "How do I see all options?", "What does --help do?",
         "How do I learn about the options?"),
        (("Add `--help` to a command to see its options.",), ("For example, type `{help}`.",)),
    ),
    Topic(
        ("What does offload worker do?", "How can an application use offload?", "What is the worker?", "What is the worker for?",
         "How do other programs use offload?"),
        (("`{worker}` serves another program over standard input and output, one JSON object per line.",),),
    ),
    Topic(
        ("Why is it slow?", "How can I make it faster?", "How do I get more speed?", "Generation is slow. Why?",
         "It is slow. What can I do?", "How do I speed it up?", "How do I make offload faster?"),
        (("Each miss must be read from disk, and that takes time.",),
         ("Give it more memory with `--memory`, or pack the model with `{pack}`.",)),
    ),
    Topic(
        ("Is the answer the same as in llama.cpp?", "Does offload change the answers?", "Are the answers worse?",
         "Does it change the model?", "Is the quality the same?", "Does paging change the result?"),
        (("Offload computes with llama.cpp and the same weights; paging does not change the answers.",),),
    ),
    Topic(
        ("What is llama.cpp?", "What does llama.cpp do?", "Do you use llama.cpp?", "Does offload use llama.cpp?",
         "Why does offload use llama.cpp?"),
        (("Llama.cpp is the library that computes the model.",), ("Offload adds an expert pager to it.",)),
    ),
    Topic(
        ("What is a GGUF file?", "What is GGUF?", "Which files can offload read?", "What is a gguf model?", "Which format does offload use?",
         "What model files does it need?"),
        (("A GGUF file holds a model: its weights, its vocabulary and its settings.",), ("Offload reads it as it is.",)),
    ),
    Topic(
        ("What is a token?", "What are tokens?", "What does token mean?", "What does tokens per second mean?", "Explain tokens."),
        (("A token is a piece of text, often a word or a part of a word.",),
         ("Tokens per second say how fast a model writes.",)),
    ),
    Topic(
        ("Do I need a GPU?", "Does it run without a graphics card?", "Is a graphics card needed?", "Do I need a graphics card?",
         "Can it run on a processor?"),
        (("No, offload needs no graphics card.",), ("It runs on your own processor, memory and disk.",)),
    ),
    Topic(
        ("Can I run a dense model?", "Does offload work with dense models?", "What about models without experts?",
         "What happens with a dense model?", "Does it run a model without experts?"),
        (("A dense model simply runs; nothing of it is paged.",),),
    ),
    Topic(
        ("How do I see statistics?", "What does --stats do?", "Where do I see the hit rate?", "How do I show the speed?",
         "How do I see the statistics of a run?"),
        (("Use `{stats}`, or type `/stats` in the chat.",), ("It shows the speed, the hit rate, the disk and the memory.",)),
    ),
    Topic(
        ("How do I make answers shorter?", "How do I limit the length?", "What does -n do?", "How do I set the number of tokens?",
         "Can I limit the answer?"),
        (("Use the option `-n`, for example `{length}`.",), ("It limits the tokens of an answer.",)),
    ),
    Topic(
        ("How do I always get the same answer?", "What does --temp do?", "What is greedy decoding?", "How do I turn off randomness?",
         "How do I set the temperature?"),
        (("With temperature 0 the model always takes the likeliest token.",), ("Use `{greedy}`.",)),
    ),
    Topic(
        ("How do I set the context?", "What does -c do?", "What is the context?", "How long can the context be?",
         "How do I change the context size?"),
        (("The context is the text the model can see, counted in tokens.",), ("Set it with `-c`, for example `{context}`.",)),
    ),
    Topic(
        ("How do I get JSON?", "What does --json do?", "Can offload print JSON?", "How do I use the output in a program?",
         "How do I print the result as JSON?"),
        (("Use `{json}` to get one JSON object at the end.",),),
    ),
    Topic(
        ("Where is the demo model?", "Which model runs without -m?", "Do I need a model file?", "How do I use the demo model?",
         "What happens without -m?"),
        (("Without `-m` the small demo model answers.",), ("Try `{demo}`.",)),
    ),
)  # fmt: skip
TOPICS = tuple(
    topic._replace(answer=tuple(tuple(s.format_map(COMMAND_LINES) for s in variants) for variants in topic.answer))
    for topic in _WRITTEN
)


@cache
def claims() -> frozenset[str]:
    """Return every sentence that an answer about offload may hold."""
    return frozenset(s for topic in TOPICS for variants in topic.answer for s in variants if s)


def about_offload(rng: Random) -> Exchange:
    """One to three questions about offload and its parts."""
    return [turn for topic in rng.sample(TOPICS, rng.choice((1, 1, 1, 2, 3))) for turn in topic.exchange(rng)]
