"""A request between an application and its cluster.

request: as a client hands it to its transport. body: as JSON has it; msearch: in lines; page: which
hits it asks for. rewritten: as it goes out, and whether the reply is to what was asked.
"""
