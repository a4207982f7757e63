"""Questions about offload. An answer is a row of claims; every claim is a sentence that is true of the product.

The claims of all topics are the table against which answers of the model are checked (``claims``). Commands and options in
them come from ``commands.py`` alone, written as ``{name}`` of a command line.
"""

from functools import cache
from random import Random

from models.demo.corpus.commands import COMMAND_LINES
from models.demo.corpus.topics import Topic, wordings
from models.demo.corpus.turns import Exchange

_WRITTEN = (
    Topic(
        wordings(
            "What is {offload|this program|this software|this tool}{| for| good for}?",
            "What {does|can} {offload|this program|this tool} do?",
            "{Explain|Describe|Tell me about|Introduce} {offload|this program}.",
            "What is the {purpose|point|idea|use} of offload?", "Why {would|should} {I|anyone} use offload?",
            "Can you {explain|tell me} what offload {is|does}?", "I am new here. What is offload?", "Offload in one sentence",
            "What kind of program is offload?",
        ),
        (("Offload runs a Mixture-of-Experts model that is bigger than memory.",),
         ("The experts that are used most stay in memory, and the others are read from disk when the router asks for them.",)),
    ),
    Topic(
        wordings(
            "How does {offload|this program|it} work{| inside}?", "Explain how offload works{| inside}.",
            "How can a model be {bigger|larger} than {memory|the memory|my RAM}?",
            "How {can|does} offload run {such a big model|a model bigger than memory|a model that is larger than RAM}?",
            "Why does a {big|huge|large} model fit into {little|so little} memory?", "How does offload {save|spare} memory?",
            "What is the trick {of|behind} offload?", "How does a {huge|big} model run in {little|so little} memory?",
        ),
        (("A Mixture-of-Experts model uses only a few experts for each token.",),
         ("Offload keeps the experts that are used most in memory and fetches the others from disk.",)),
    ),
    Topic(
        wordings(
            "What {is an expert|are experts|are the experts}{| in a model| of a model| in a layer| of a layer}?",
            "What {does an expert|do experts} do{| in a model}?",
            "{Explain|Describe|Define} {experts|what an expert is|what experts are}.",
            "What {is meant by an expert|do you mean by expert|does expert mean|does the word expert mean}?",
            "Tell me {about experts|what an expert is|what experts do}.", "{Experts|Expert}?", "What is a single expert?",
        ),
        (("An expert is a small part of a layer.",),
         ("For each token, the router chooses a few experts, and only those do the work.",)),
    ),
    Topic(
        wordings(
            "What does {MoE|Mixture of Experts} mean?",
            "What is {MoE|an MoE model|a mixture of experts|a Mixture-of-Experts model}?",
            "{Explain|Describe|Define} {MoE|Mixture of Experts|Mixture-of-Experts models}.",
            "How {does an MoE model|do MoE models|does a Mixture-of-Experts model|do Mixture-of-Experts models} work?",
            "What is {special|different|good} about {MoE|Mixture-of-Experts} models?",
            "What does the {abbreviation|word} MoE stand for?",
            "Tell me about {MoE|Mixture-of-Experts models|the mixture of experts}.", "{MoE|Mixture of Experts}?",
        ),
        (("A Mixture-of-Experts model has many experts in each layer, but uses only a few of them for each token.",),
         ("That is why most of its weights can wait on disk.",)),
    ),
    Topic(
        wordings(
            "What is {a|the} router{| for| of a layer| in a model}?", "What does {the|a} router do{| in a layer}?",
            "{Explain|Describe} {the router|what the router does|how the router works}.", "How does {the|a} router work?",
            "{Who|What} {chooses|picks|selects} the experts{| for a token}?",
            "How are {the experts|experts} {chosen|picked|selected}?", "How does a layer choose its experts?", "What is routing?",
            "Tell me about the router.", "Router?",
        ),
        (("The router of a layer chooses the experts for each token.",),
         ("It gives every expert a score, and the best few do the work.",)),
    ),
    Topic(
        wordings(
            "What is {the pager|a pager|the expert pager|an expert pager|paging|expert paging}?",
            "What {does|can} the {pager|expert pager} do?", "How does {the pager|the expert pager|paging|expert paging} work?",
            "{Explain|Describe} {the pager|the expert pager|paging}.", "Tell me about {the pager|the expert pager|paging}.",
            "What is the {pager|expert pager} for?", "{Pager|Expert pager|Paging}?", "{Which|What} expert is evicted?",
            "What does evict mean?", "What happens when no slot is free?",
        ),
        (("The pager brings the chosen experts into memory before they compute.",),
         ("When no slot is free, it evicts the expert that it expects to need last.",)),
    ),
    Topic(
        wordings(
            "What {is a slot|are slots|is an expert slot|are expert slots|are the slots}{| for}?",
            "What does {slot|the word slot} mean?", "{Explain|Describe|Define} {slots|expert slots|what a slot is}.",
            "What {is in a slot|does a slot hold}?", "What do {you|we} need {slots|expert slots} for?",
            "Tell me {about slots|about expert slots|what a slot is}.", "{Slots|Slot|Expert slots}?",
            "Why does offload have slots?", "How many experts are in a slot?",
        ),
        (("A slot is a place in memory that holds one expert.",), ("More memory means more slots and fewer reads from disk.",)),
    ),
    Topic(
        wordings(
            "What is {a hit|a cache hit|an expert hit}?", "What does {hit|cache hit|expert hit} mean?",
            "When is {it|an expert|a read} a {hit|cache hit}?", "{Explain|Describe|Define} {a hit|hits|a cache hit|an expert hit}.",
            "What are {hits|cache hits|expert hits}?", "What happens on a {hit|cache hit}?", "What counts as a {hit|cache hit}?",
            "Tell me what {a hit|a cache hit|an expert hit} is.", "{Hit|Cache hit|Expert hit}?",
        ),
        (("A hit means that an expert was already in memory when it was needed.",),),
    ),
    Topic(
        wordings(
            "What is {a miss|a cache miss|an expert miss}?", "What does {miss|cache miss|expert miss} mean?",
            "When is {it|an expert|a read} a {miss|cache miss}?",
            "{Explain|Describe|Define} {a miss|misses|a cache miss|an expert miss}.",
            "What are {misses|cache misses|expert misses}?", "What happens on a {miss|cache miss}?",
            "What counts as a {miss|cache miss}?", "What happens {when|if} an expert is not in memory?",
            "Tell me what {a miss|a cache miss|an expert miss} is.", "{Miss|Cache miss|Expert miss}?",
        ),
        (("A miss means that an expert was not in memory and had to be read from disk.",),),
    ),
    Topic(
        wordings(
            "What does the {hit rate|cache-hit rate} mean?",
            "What is {the hit rate|a hit rate|a good hit rate|the cache-hit gauge}?",
            "What does the {hit gauge|cache-hit gauge|gauge of hits} {show|tell me|say}?",
            "How do I read the {hit rate|cache-hit gauge|hit gauge}?",
            "{Explain|Describe} the {hit rate|cache-hit gauge|hit gauge}.", "Why is {the|my} hit rate {low|so low|high}?",
            "How {can|do} I {raise|improve|increase} the hit rate?", "{Hit rate|Cache-hit rate|Cache-hit gauge}?",
        ),
        (("The hit rate is the share of needed experts that were already in memory.",),
         ("It counts while the answer is generated, and more memory makes it higher.",)),
    ),
    Topic(
        wordings(
            "What {is the memory gauge|is the memory gauge for|does the memory gauge show|does the memory gauge tell me}?",
            "How {do|can|should} I read the {memory gauge|gauge of the memory}?", "What do the gauges {show|mean}?",
            "{Explain|Describe} the {memory gauge|gauges|gauge of the memory}.", "What is shown by the {memory gauge|gauges}?",
            "Where do I see {the used memory|how much memory is used}?", "What {are the gauges|is the gauge of the memory}?",
            "Tell me about the {memory gauge|gauges}.", "{Memory gauge|Gauges}?",
        ),
        (("The memory gauge shows how much memory the process uses, beside its budget.",),
         ("The hit rate is the share of needed experts that were already in memory.", "")),
    ),
    Topic(
        wordings(
            "What is {a stall|stall time|stalling|the stall per token}?", "What {are|causes} {stalls|stall times}?",
            "What does {stall|stall time|the word stall} mean?",
            "{When is there a stall|Why is there a stall|Why is there so much stall}?",
            "{Explain|Describe|Define} {a stall|stalls|stall time}.", "Why does it stall?", "How {do|can} I {avoid|reduce} stalls?",
            "Tell me {about stalls|what a stall is}.", "{Stall|Stalls|Stall time}?",
        ),
        (("A stall is time in which the computation waits for an expert to be read from disk.",),
         ("Fewer misses mean fewer stalls.",)),
    ),
    Topic(
        wordings(
            "What is {prefill|the prefill|the prefill phase|prefilling}?", "What does {prefill|the word prefill} mean?",
            "What happens {in|during} {prefill|the prefill phase}?",
            "{Explain|Describe|Define} {prefill|the prefill|the prefill phase}.", "Why does the first token take {longer|so long}?",
            "Why do I wait {for the first token|before the answer begins}?", "Why does a long prompt take {so long|longer}?",
            "How {does prefill work|long does prefill take}?", "Prefill?", "Tell me about {prefill|the prefill phase}.",
        ),
        (("Prefill is the phase in which the model reads the whole prompt, before the first token of the answer.",),
         ("A long prompt uses nearly all experts of a layer.",)),
    ),
    Topic(
        wordings(
            "What is {decode|decoding|the decode phase}?", "What does {decode|decoding|the word decode} mean?",
            "What happens {in|during} {decode|decoding|the decode phase}?",
            "{Explain|Describe|Define} {decode|decoding|the decode phase}.", "What comes after prefill?",
            "How does {decode|decoding} work?", "Tell me about {decode|decoding|the decode phase}.", "{Decode|Decoding}?",
            "In which phase is the answer written?", "How does the model write the answer?",
        ),
        (("Decode is the phase in which the model writes the answer, one token after another.",),),
    ),
    Topic(
        wordings(
            "What is {prefetching|a prefetch|expert prefetching}?", "What does {prefetching|a prefetch} do?",
            "What does {prefetch|prefetching|the word prefetch} mean?",
            "{Explain|Describe|Define} {prefetching|a prefetch|prefetches}.", "What are prefetches?",
            "{Why|When} are experts prefetched?", "How does prefetching {work|help}?",
            "Tell me {about prefetching|what a prefetch is}.", "{Prefetch|Prefetching}?",
            "Can an expert be read {early|in advance}?",
        ),
        (("Prefetching means reading an expert before it is asked for.",), ("Then the computation need not wait for the disk.",)),
    ),
    Topic(
        wordings(
            "What is {a forecast|an expert forecast|a forecast of experts|a forecaster}?", "What are {forecasts|forecasters} for?",
            "What does {forecast mean|a forecast say|a forecaster do|the word forecast mean}?",
            "How does a {forecast|forecaster} help?", "{Explain|Describe|Define} {a forecast|forecasts|the forecast of experts}.",
            "Can the {next experts|experts of the next token} be {forecast|predicted|guessed}?",
            "Why should one {forecast|predict} experts?", "Tell me {about forecasts|what a forecast is}.",
            "{Forecast|Forecasts|Expert forecast}?",
        ),
        (("A forecast says which experts will be needed next.",),
         ("With a good forecast, an expert can be read before it is asked for.",)),
    ),
    Topic(
        wordings(
            "How {do|can} I {set|limit|change|reduce} the {memory|memory limit|memory budget}?",
            "How {do|can} I use less {memory|RAM}?", "{Which option|What option|Which flag} {sets|limits} the {memory|RAM}?",
            "What {is --memory|is --memory for|does --memory do}?",
            "{Limit the memory|Set the memory|Set the budget} to {six gigabytes|6 GB}.",
            "How do I give offload {six gigabytes|more memory|less memory}?",
            "I want to {limit the memory|use only 6 GB of memory|use less memory}. How?",
            "Can I {limit|set} {memory|the memory|the RAM}?", "{Memory option|Memory limit|Memory budget}?",
            "It {uses|takes} too much memory. What can I do?",
        ),
        (("Use the option `--memory`, for example `{memory}`.",), ("The budget is for the whole process.",)),
    ),
    Topic(
        wordings(
            "Can I {give|set|write} {the memory|the budget|--memory} {in percent|as a percentage|as a share}?",
            "Can I {use|give it} {half|60%|a share|sixty percent} of the memory?",
            "Does --memory {take|know|understand} {percent|a percentage}?",
            "May {the memory budget|the budget|--memory} be {a share|a percentage}?", "Is --memory 60% {allowed|possible}?",
            "{Memory|Budget} in percent?",
        ),
        (("Yes, `{memory_share}` uses up to sixty percent of the memory.",), ("The budget is for the whole process.",)),
    ),
    Topic(
        wordings(
            "What {is --memory auto|does --memory auto mean|does --memory auto do}?",
            "What is {the default of --memory|the default budget|the default memory|auto memory}?",
            "How much memory does {offload|it} {use|take} {by default|without --memory|if I do not set it}?",
            "How much memory does offload {use|need|take}?",
            "What happens {without --memory|if I leave out --memory|if I do not set the memory}?", "Do I have to set the memory?",
            "{Explain|Describe} {--memory auto|the default budget|the automatic budget}.", "{Auto|Automatic|Default} memory?",
        ),
        (("Without `--memory` the budget is `auto`: what is free now, less some room for other programs.",),
         ("You can set it yourself, for example `{memory}`.",)),
    ),
    Topic(
        wordings(
            "What {happens|do I see|will happen} {if|when} {the memory|the budget|my budget} is too small?",
            "What if {the memory|the budget} is too small?", "Why {is|was} my {budget|memory budget} refused?",
            "What is the {smallest|least|lowest} {memory|budget}?",
            "{Does|Will} it crash {without enough memory|if memory runs out|with too little memory}?",
            "How little memory is {enough|possible}?", "My budget {was|is} refused. Why?",
            "I have too little memory. What happens?", "{Budget|Memory} too small?",
        ),
        (("A budget that is too small is refused, and the message says how much is needed.",),
         ("You can see the plan before with `{plan}`.",)),
    ),
    Topic(
        wordings(
            "How {do|can} I {run|use|try|start} {a model|a big model|a GGUF model|my own model}?",
            "How {do|can} I {generate text|use offload|start}?",
            "What {is offload generate|is offload generate for|does offload generate do}?",
            "Which command {generates text|runs a model|answers a prompt}?",
            "How do I {ask a model one question|get an answer to one prompt|answer one prompt}?",
            "I {want|would like} to {run a model|generate text}. How?",
            "{Explain|Describe} {the generate command|offload generate}.", "{Generate|Generate text|Run a model}",
            "How do I begin with offload?",
        ),
        (("Use `{generate}` to answer one prompt.",), ("For a conversation, use `{chat}`.",)),
    ),
    Topic(
        wordings(
            "How {do|can} I {chat|talk|have a conversation} with a model?", "How {do|can} I {start|open|begin} {a chat|the chat}?",
            "What {is offload chat|is offload chat for|does offload chat do}?",
            "Which command {starts a chat|is for conversations|lets me chat}?",
            "Can I {have a conversation|chat with a model|talk with a model}?", "How do I have a conversation?",
            "I {want|would like} to {chat|talk with a model}. How?", "{Explain|Describe} {the chat command|offload chat}.",
            "{Chat|Conversation|Start a chat}", "How do I {ask several questions|ask one question after another}?",
        ),
        (("Use `{chat}` to talk with a model.",), ("Type `/exit` to leave.",)),
    ),
    Topic(
        wordings(
            "{Which|What} commands {does the chat know|are there in the chat|can I type in the chat}?",
            "What can I {type|enter|write} in the chat?", "What are the {chat commands|slash commands|commands of the chat}?",
            "What does /help do?", "{List|Name|Show me|Tell me|Explain} the {chat commands|slash commands|commands of the chat}.",
            "{Chat commands|Slash commands}?", "{Which|What} {slash commands|chat commands} are there?",
            "How do I see the {chat|slash} commands?",
        ),
        (("The chat knows `/regen`, `/clear`, `/system`, `/stats`, `/help` and `/exit`.",),),
    ),
    Topic(
        wordings(
            "How {do|can} I {leave|end|quit|exit|close|stop} {the chat|a chat|the conversation}?", "How do I {quit|exit|get out}?",
            "What does /exit do?", "{Which|What} command {ends|leaves|closes} the chat?",
            "I want to {leave|end|quit} the chat. How?", "{Leave|End|Quit|Exit} the chat", "How do I get out of the chat?",
        ),
        (("Type `/exit` to leave.",),),
    ),
    Topic(
        wordings(
            "How {do|can} I {get|have} {another|a different|a new} answer?",
            "How do I {regenerate|repeat|redo} {an answer|the answer|the last answer}?",
            "What {is /regen|is /regen for|does /regen do}?", "Can it answer {again|once more|the last message again}?",
            "{Regenerate|Repeat} the {last answer|answer}.", "I {want another|do not like the|want a different} answer.",
            "Which command {regenerates|repeats} the answer?",
        ),
        (("Type `/regen` in the chat to have the last message answered again.",),),
    ),
    Topic(
        wordings(
            "How {do|can} I {start|begin|open} a {new conversation|new chat|fresh chat}?",
            "What {is /clear|is /clear for|does /clear do}?", "How {do|can} I {clear|reset|empty} the {chat|conversation}?",
            "How do I {begin again|forget the conversation|make it forget everything}?",
            "{Clear|Reset|Forget} the {chat|conversation}.", "{Which|What} command {clears the chat|forgets the conversation}?",
            "I want {a new conversation|to start over}. How?",
        ),
        (("Type `/clear` in the chat to forget the conversation; the system prompt stays.",),),
    ),
    Topic(
        wordings(
            "How {do|can} I {set|use|change|give|write} {a|the} system prompt?",
            "What {is /system|is /system for|does /system do}?", "Can I {set|change|give} a system prompt?",
            "{Which|What} command {sets|changes} the system prompt?", "{Set|Change|Explain} the system prompt.",
            "Where do I {write|put} the system prompt?", "System prompt?", "I want to {set|change} the system prompt. How?",
        ),
        (("Type `/system` and your text in the chat, or use `{system}`.",),),
    ),
    Topic(
        wordings(
            "How {do|can} I {make|write|create|build|get|prepare} a {packed store|packed file}?",
            "How {do|can} I {pack|convert|prepare} {a|my} model?",
            "What {is offload pack|is offload pack for|does offload pack do}?",
            "{Which|What} command {packs a model|makes a packed store|writes a packed store}?", "Why should I pack {a|my} model?",
            "{Make|Write|Create} a packed store.", "{Pack|Convert} {a|my} model.",
            "{What is packing|Is packing useful|Is packing worth it}?",
            "I want to {pack my model|make a packed store|have a packed store}. How?", "{Packing|How does packing work}?",
            "How much disk does packing need?",
        ),
        (("Use `{pack}` to write a packed store beside the model.",),
         ("It needs as much disk as the experts of the model and makes generating faster.",)),
    ),
    Topic(
        wordings(
            "What {is|is in|is inside} {a packed store|the packed store|a packed file}?",
            "What does {a packed store hold|the packed store contain|a packed store look like}?",
            "What does {packed store|the word store|packed} mean?",
            "{Explain|Describe|Define} {the packed store|a packed store|packed stores|what a packed store is}.",
            "What are packed stores?", "What is {a store|the store}?", "Tell me {about packed stores|what a packed store is}.",
            "What do you mean by {packed store|a packed store}?", "{Packed store|Packed stores|Store}?",
            "{Where|How} is {a|the} packed store found?", "How is a packed store {laid out|different from a GGUF file}?",
        ),
        (("A packed store holds every expert in one record, in the layout this processor computes with fastest.",),
         ("It is found by itself when it lies beside the model.",)),
    ),
    Topic(
        wordings(
            "How {do|can} I {check|verify|test} {a packed store|my packed store|a store}?",
            "What {is offload verify|is offload verify for|does offload verify do}?",
            "Is my {packed store|store|packed file} {damaged|broken|corrupt|intact|good}?",
            "How {do|can} I find {damaged|broken|bad|corrupt} records?",
            "{Which|What} command {checks a packed store|finds damaged records|verifies a store}?",
            "{Verify|Check} {a|my} packed store.", "I think my {packed store|store} is {damaged|broken}. What can I do?",
            "{Verify|Damaged store|Damaged records|Checksums}?",
        ),
        (("Use `{verify}` to check every record of a packed store against its checksum.",),),
    ),
    Topic(
        wordings(
            "{Does|Will|Can} {my|the|this} model fit{| into memory| into my memory}?",
            "What {is offload plan|is offload plan for|does offload plan do}?",
            "How {do|can} I {see|show|get|print} the memory plan?", "What is the memory plan?", "{Explain|Show} the memory plan.",
            "{Who|What} gets the memory?", "Where does the memory go?", "{Which|What} command shows the {plan|memory plan}?",
            "How do I {know|see|find out} {whether|if} my model fits?", "{Memory plan|Plan}?",
            "What is the memory {used for|spent on}?", "Is my memory {big|large} enough for {my|the} model?",
        ),
        (("Use `{plan}` to see which part of the memory goes where.",), ("Only the header of the model is read for that.",)),
    ),
    Topic(
        wordings(
            "How {do|can} I {measure|test|benchmark} the {speed|performance}?",
            "How {do|can} I {benchmark|measure} {a|my} {model|machine}?",
            "What {is offload bench|is offload bench for|does offload bench do}?",
            "How fast is {my machine|my model|my computer|offload|it here}?",
            "{Which|What} command {measures the speed|runs a benchmark}?",
            "How many tokens per second {do I get|can I get|will I get}?",
            "{Measure|Benchmark} {my model|the speed|the performance}.", "I want to {measure the speed|run a benchmark}. How?",
            "{Benchmark|Bench|Speed test}?", "How do I {measure|find out} the tokens per second?",
        ),
        (("Use `{bench}` to measure tokens per second, the hit rate, and the stall per token.",),),
    ),
    Topic(
        wordings(
            "What {is offload doctor|is offload doctor for|does offload doctor do}?",
            "How {do|can} I {check|test} {my machine|my computer|the installation|my installation}?",
            "{Something is wrong|Offload does not work|It does not work|Something is broken}. What {can I do|now}?",
            "{Which|What} command checks {the installation|my machine}?", "Is {my|the} installation {good|right|broken}?",
            "How do I find out what is wrong with {offload|my installation|my machine}?", "{Doctor|Check the installation}",
            "Explain the doctor command.",
        ),
        (("Run `{doctor}` to check the installation, the processor, the memory and the disk.",),),
    ),
    Topic(
        wordings(
            "{Which|What} commands {are there|does offload have|does offload know|can I use}?",
            "What are the {commands|main commands|commands of offload}?",
            "{List|Name|Show me|Tell me|Explain} the {commands|main commands|commands of offload}.",
            "{Commands|Main commands|List of commands}?", "How many commands {are there|does offload have}?",
            "How do I see {all|the} commands?", "What does offload --help show?",
        ),
        (("The main commands are generate, chat, pack, verify, plan, bench and doctor.",),
         ("Type `{commands}` to see all of them.",)),
    ),
    Topic(
        wordings(
            "How {do|can} I {get help|get help with a command|see the options|see all options|learn about the options}?",
            "What {is --help|is --help for|does --help do}?",
            "Where {do|can} I {find|see|read about} {the options|all options|the flags|help}?",
            "{Which|What} options {are there|does a command have|does offload have}?", "{List|Show me|Explain} the options.",
            "{Options|Help with options}?", "I need help with {a command|an option}.",
            "Is there a {manual|list of options|help page}?",
        ),
        (("Add `--help` to a command to see its options.",), ("For example, type `{help}`.",)),
    ),
    Topic(
        wordings(
            "What {is offload worker|is offload worker for|does offload worker do}?",
            "What {is the worker|is the worker for|does the worker do}?",
            "{Explain|Describe|Tell me about} the {worker|worker command}.",
            "How {do|can} {other programs|applications|I let another program} use offload?",
            "How can {an application|another program|my program} use offload?",
            "Can {an application|another program|my program} {use|talk to} offload?",
            "Which command serves {another program|an application}?", "Worker?",
        ),
        (("`{worker}` serves another program over standard input and output, one JSON object per line.",),),
    ),
    Topic(
        wordings(
            "Why is {it|offload|my model|the answer} {slow|so slow}?",
            "How {do|can} I make {it|offload|my model} {faster|quicker}?",
            "{Generation|It|Offload|My model} is {slow|too slow}. {Why|What can I do}?",
            "How {do|can} I {speed it up|get more speed|get more tokens per second}?", "What makes {it|offload} {faster|slow}?",
            "I want more speed. How?", "How do I improve the {speed|performance}?", "{Too slow|More speed}",
        ),
        (("Each miss must be read from disk, and that takes time.",),
         ("Give it more memory with `--memory`, or pack the model with `{pack}`.",)),
    ),
    Topic(
        wordings(
            "Is the {answer|result|output} the same as {in|with} llama.cpp?",
            "Does {offload|paging} change the {answers|answer|result|quality|weights}?",
            "Are the answers {worse|different|the same}{| with offload}?", "Is the quality {the same|worse|lower}{| with offload}?",
            "Does {it|offload} change the model?", "Do I lose {quality|anything} with offload?",
            "Does offload make a model {worse|dumber}?",
        ),
        (("Offload computes with llama.cpp and the same weights; paging does not change the answers.",),),
    ),
    Topic(
        wordings(
            "What {is llama.cpp|is llama.cpp for|does llama.cpp do}?", "{Explain|Describe|Tell me about} llama.cpp.",
            "Do you use llama.cpp?", "Does {offload|it} {use|need|contain} llama.cpp?", "Why does offload use llama.cpp?",
            "What {has offload to do with|does offload add to} llama.cpp?", "Is offload {based on|built on|the same as} llama.cpp?",
            "{Which|What} library {computes|runs} the model?",
            "How {are offload and llama.cpp related|do offload and llama.cpp work together}?", "Llama.cpp?",
        ),
        (("Llama.cpp is the library that computes the model.",), ("Offload adds an expert pager to it.",)),
    ),
    Topic(
        wordings(
            "What is {GGUF|a GGUF file|a GGUF model|a GGUF|the GGUF format}?",
            "What {is in a GGUF file|does a GGUF file hold|does a GGUF file contain}?",
            "{Which|What} {files can|file format can|format does|formats does|model files can} offload read?",
            "{Explain|Describe|Define} {GGUF|GGUF files|the GGUF format}.",
            "What {model files|kind of file} does {it|offload} need?", "Do I {have|need} to convert a GGUF file?",
            "{GGUF|File format}?", "Tell me about GGUF files.",
        ),
        (("A GGUF file holds a model: its weights, its vocabulary and its settings.",), ("Offload reads it as it is.",)),
    ),
    Topic(
        wordings(
            "{Which|What} models {can I run|can offload run|are supported|work|work with offload|does offload support}?",
            "{Which|What} model should I {use|try|take}?", "Can {I|offload} run {Qwen|Qwen models|Mixtral|a Qwen model}?",
            "Does offload {run|support|work with} {Qwen|Qwen models|every model|MoE models}?",
            "{List|Name} some models that {work|I can run}.", "Is my model supported?", "{Supported models|Models}?",
            "What kind of model does offload need?",
        ),
        (("Offload runs Mixture-of-Experts models in GGUF files, for example Qwen3-30B-A3B.",),
         ("A dense model simply runs; nothing of it is paged.", "")),
    ),
    Topic(
        wordings(
            "What {is a token|are tokens|does token mean|does the word token mean}?", "What do tokens per second mean?",
            "{Explain|Describe|Define} {tokens|what a token is|tokens per second}.",
            "Tell me {about tokens|what a token is|what tokens are}.", "Is a token {a word|the same as a word|a letter}?",
            "How {long|big} is a token?", "{Token|Tokens|Tokens per second}?", "What do you mean by {token|tokens}?",
            "What is meant by tokens per second?", "What is a token {in a model|of a text}?",
        ),
        (("A token is a piece of text, often a word or a part of a word.",),
         ("Tokens per second say how fast a model writes.",)),
    ),
    Topic(
        wordings(
            "Do I need a {GPU|graphics card|video card}?", "Does {it|offload} {run|work} without a {GPU|graphics card|video card}?",
            "Is a {GPU|graphics card|video card} {needed|necessary|required}?",
            "Can {it|offload} run on {a processor|the CPU|the processor alone|my CPU}?",
            "I have no {GPU|graphics card}. Does it work?", "Does offload need a {GPU|graphics card|video card}?",
            "{GPU|Graphics card}?", "{What|Which} hardware do I need?",
        ),
        (("No, offload needs no graphics card.",), ("It runs on your own processor, memory and disk.",)),
    ),
    Topic(
        wordings(
            "Is {offload|it|the chat|my chat} private?",
            "Does {offload|the program|it} send {my data|anything|my text} {anywhere|to a server}?",
            "Does {offload|the program} need {the internet|a server|the cloud}?",
            "Does {offload|the program} {work|run} {offline|without the internet}?",
            "Where does offload {send|store|keep} my {data|text}?", "Who sees my data if I use offload?",
            "Is my data {safe|private} with offload?", "Privacy?", "Does my {data|text} leave {my|this} computer?",
            "Tell me about {privacy|the privacy of offload}.",
        ),
        (("Offload runs on your own computer.",), ("Nothing that you write leaves it.",)),
    ),
    Topic(
        wordings(
            "Can {I|offload|it} run {a dense model|dense models|a model without experts}?",
            "Does {offload|it} {run|work with|support} {dense models|a dense model}?",
            "What {happens with|about} {a dense model|dense models|models without experts}?", "Is a dense model {paged|possible}?",
            "My model {is dense|has no experts}. {What happens|Does it work}?", "{Dense models|Dense model|No experts}?",
        ),
        (("A dense model simply runs; nothing of it is paged.",),),
    ),
    Topic(
        wordings(
            "What is {a trace|a routing trace|a .routes file|tracing}?",
            "What {is offload trace|is offload trace for|does offload trace do}?",
            "How {do|can} I {record|write|make} {a trace|a routing trace}?",
            "{Explain|Describe} {traces|a trace|routing traces|the trace command}.",
            "{Which|What} command records {a trace|the routing}?",
            "How {do|can} I {record|see|find out} which experts {a text uses|are used|are chosen}?",
            "{Record|Write} a {trace|routing trace}.", "{Trace|Traces|Routing trace}?", "What is in a trace?",
        ),
        (("A trace records which experts the routers chose for each token of a text.",), ("Use `{trace}` to write one.",)),
    ),
    Topic(
        wordings(
            "What {is offload routing|is offload routing for|does offload routing do}?",
            "What is {the routing report|a routing report}?",
            "What {is in the routing report|does the routing report show|does the routing report say}?",
            "How {do|can} I {judge|read|study|look at} a {trace|routing trace}?",
            "{Explain|Describe} the {routing report|report about a trace|routing command}.",
            "{Which|What} command {judges|reads} a trace?", "How {evenly|often} are the experts used?",
            "{Judge|Read} a {trace|routing trace}.", "What can I {do with|learn from} a trace?", "Routing report?",
            "I have a trace. What now?",
        ),
        (("Use `{routing}` to judge a trace.",),
         ("It shows how evenly the experts are used, and which hit rates are possible.",)),
    ),
    Topic(
        wordings(
            "How {do|can} I {see|show|print|get} the {statistics|stats}{| of a run}?",
            "What {is --stats|is /stats|does --stats do|does /stats do}?", "Where {do|can} I see the {hit rate|speed|statistics}?",
            "How do I show the {speed|hit rate} of {a run|an answer}?", "{Show|Print} {statistics|the statistics}.",
            "Which option shows statistics?", "{Statistics|Stats}?",
        ),
        (("Use `{stats}`, or type `/stats` in the chat.",), ("It shows the speed, the hit rate, the disk and the memory.",)),
    ),
    Topic(
        wordings(
            "How {do|can} I {make answers shorter|get shorter answers|get a shorter answer|get a short answer}?",
            "How {do|can} I {limit|set|change} the {length|number of tokens|length of an answer}?",
            "What {is -n|is -n for|does -n do}?", "Can I limit the {answer|length of the answer|number of tokens}?",
            "The answers are too long. What can I do?", "{Which|What} option {limits|sets} the {length|number of tokens}?",
            "{Shorter answers|Length of answers|Limit the length}", "How do I stop it after 100 tokens?",
        ),
        (("Use the option `-n`, for example `{length}`.",), ("It limits the tokens of an answer.",)),
    ),
    Topic(
        wordings(
            "How {do|can} I {always get|get} the same answer{| every time| each time}?",
            "What {is --temp|is --temp for|does --temp do}?",
            "What is {greedy decoding|the temperature|temperature 0|the temperature of a model}?",
            "How {do|can} I {turn off|switch off|avoid} randomness?", "How {do|can} I {set|change|lower} the temperature?",
            "{Explain|Set|Describe} the temperature.", "{Which|What} option sets the temperature?",
            "Why {is the answer|are the answers} different {every|each} time?", "{Temperature|Greedy|Randomness}?",
        ),
        (("With temperature 0 the model always takes the likeliest token.",), ("Use `{greedy}`.",)),
    ),
    Topic(
        wordings(
            "How {do|can} I {set|change|limit|choose} the {context|context size|context length}?",
            "What {is -c|is -c for|does -c do}?", "What is the {context|context size|context window}?",
            "How {long|big|large} {can the context be|is the context}?", "{Explain|Describe} the {context|context size}.",
            "{Which|What} option sets the context?", "How much text can the model see?",
            "I need a {longer|bigger|larger} context. How?", "{Context|Context size|Context length}?",
        ),
        (("The context is the text the model can see, counted in tokens.",), ("Set it with `-c`, for example `{context}`.",)),
    ),
    Topic(
        wordings(
            "How {do|can} I get {JSON|JSON output|the result as JSON|the answer as JSON}?",
            "What {is --json|is --json for|does --json do}?", "Can offload {print|write|give me} JSON?",
            "How {do|can} I {print|write} the {result|answer|output} as JSON?",
            "How {do|can} I use the output in a {program|script}?", "{Which|What} option {prints|gives} JSON?",
            "I {need|want} {JSON|the answer as JSON}. How?", "{JSON|JSON output|Output as JSON}?",
            "{Print|Give me} the {result|answer} as JSON.",
        ),
        (("Use `{json}` to get one JSON object at the end.",),),
    ),
    Topic(
        wordings(
            "{Where|What} is the demo model?", "Which model {runs|answers} without -m?",
            "Do I need {a model file|to download a model|a model of my own}?",
            "How {do|can} I {use|try|start|run} the {demo model|demo}?",
            "What happens {without -m|if I leave out -m|if I give no model}?", "Can I try {offload|it} without a model{| file}?",
            "{Explain|Try|Tell me about} the demo model.", "{Demo model|Demo}?", "Is {there a demo model|a model included}?",
            "I have no model. {What now|Can I try offload}?",
        ),
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
